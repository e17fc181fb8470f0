import type { Fired, SandboxSight } from '../contracts/compiled.ts'
import { unjudged } from '../contracts/verdict.ts'
import type { SandboxDocument } from '../document.ts'
import type { Evaluation } from '../expressions/evaluation.ts'
import { errorText } from '../expressions/outcome.ts'
import { compileGlob } from '../match/glob.ts'
import type { MessageMaker } from '../messages/template.ts'
import type { Envelope } from '../types.ts'
import { COMPOUND, type CommandLine, commandLine } from './command.ts'
import { extractHosts } from './hosts.ts'
import { extractPaths, isInside, type ResolvePath, realForms, realPath } from './paths.ts'

/** The rules of one sandbox contract, each answering for one part of a call. */
interface Rules {
  readonly checksPaths: boolean
  readonly checksCommands: boolean
  readonly checksDomains: boolean
  isPathAllowed(forms: readonly string[] | null, resolve: ResolvePath | undefined): boolean
  isCommandAllowed(command: string | null | typeof COMPOUND): boolean
  isHostAllowed(host: string): boolean
}

export interface CompiledSandbox {
  readonly evaluate: (evaluation: Evaluation) => Fired | null
  readonly sight: (evaluation: Evaluation) => SandboxSight
}

/**
 * Compiles the check of a sandbox contract (contract-language §10.2). Boundaries are made real paths once per resolver,
 * with the one given here at once.
 */
export function compileSandbox(
  contract: SandboxDocument,
  message: MessageMaker,
  resolvePath?: ResolvePath,
): CompiledSandbox {
  const rules = compileRules(contract, resolvePath)
  return {
    evaluate: (evaluation) => {
      try {
        if (!leaves(evaluation.envelope, rules, evaluation.context.resolvePath ?? resolvePath)) return null
      } catch (error) {
        return unjudged(message(evaluation), null, errorText(error))
      }
      return { message: message(evaluation), metadata: null, policyError: false }
    },
    sight: (evaluation) => look(evaluation.envelope, rules, evaluation.context.resolvePath ?? resolvePath),
  }
}

function compileRules(contract: SandboxDocument, resolvePath: ResolvePath | undefined): Rules {
  const commands = contract.allowsCommands === null ? null : new Set(contract.allowsCommands)
  const domains = contract.allowsDomains === null ? null : contract.allowsDomains.map(compileGlob)
  const refused = contract.notAllowsDomains.map(compileGlob)
  let resolvedBy = resolvePath
  let within = contract.within.map((path) => realPath(path, resolvePath))
  let notWithin = contract.notWithin.map((path) => realPath(path, resolvePath))
  return {
    checksPaths: contract.within.length > 0,
    checksCommands: commands !== null,
    checksDomains: domains !== null || refused.length > 0,
    isPathAllowed(forms, resolve) {
      if (resolve !== resolvedBy) {
        within = contract.within.map((path) => realPath(path, resolve))
        notWithin = contract.notWithin.map((path) => realPath(path, resolve))
        resolvedBy = resolve
      }
      return (
        forms?.every(
          (form) =>
            !notWithin.some((boundary) => isInside(form, boundary)) &&
            within.some((boundary) => isInside(form, boundary)),
        ) ?? false
      )
    },
    isCommandAllowed: (command) =>
      command !== COMPOUND && (commands === null || command === null || commands.has(command)),
    isHostAllowed: (host) =>
      !refused.some((matches) => matches(host)) && (domains === null || domains.some((matches) => matches(host))),
  }
}

function leaves(envelope: Envelope, rules: Rules, resolve: ResolvePath | undefined): boolean {
  const line = judgedLine(envelope, rules)
  if (rules.checksPaths) {
    for (const path of extractPaths(envelope, line)) {
      if (!rules.isPathAllowed(realForms(path, resolve), resolve)) return true
    }
  }
  if (line.kind === 'text' && !rules.isCommandAllowed(line.command)) return true
  return rules.checksDomains && extractHosts(envelope).some((hosts) => !hosts.every(rules.isHostAllowed))
}

/** A command that is there but no text cannot be judged by a sandbox that judges paths or commands. */
function judgedLine(envelope: Envelope, rules: Rules): CommandLine {
  const line = commandLine(envelope)
  if (line.kind === 'unreadable' && (rules.checksPaths || rules.checksCommands)) {
    throw new TypeError('the command is no text')
  }
  return line
}

function look(envelope: Envelope, rules: Rules, resolve: ResolvePath | undefined): SandboxSight {
  const line = judgedLine(envelope, rules)
  const paths = rules.checksPaths ? [...extractPaths(envelope, line)] : []
  const hosts = rules.checksDomains ? extractHosts(envelope).flat() : []
  return {
    paths: paths.map((path) => {
      const judgedAs = realForms(path, resolve)
      return { path, judgedAs, allowed: rules.isPathAllowed(judgedAs, resolve) }
    }),
    command:
      line.kind === 'text'
        ? {
            text: line.command === COMPOUND ? 'more than one command' : (line.command ?? ''),
            allowed: rules.isCommandAllowed(line.command),
          }
        : null,
    hosts: hosts.map((host) => ({ host, allowed: rules.isHostAllowed(host) })),
  }
}
