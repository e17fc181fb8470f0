import type { Fired, SandboxSight } from '../contracts/compiled.ts'
import { unjudged } from '../contracts/verdict.ts'
import type { SandboxDocument } from '../document.ts'
import type { Evaluation } from '../expressions/evaluation.ts'
import { errorText } from '../expressions/outcome.ts'
import { compileGlob } from '../match/glob.ts'
import type { MessageMaker } from '../messages/template.ts'
import { CallReach } from './call-reach.ts'
import { COMPOUND } from './command.ts'
import { canonicalPattern, type Reach } from './hosts.ts'
import { isInside, type ResolvePath, realForms, realPath } from './paths.ts'

/** The rules of one sandbox contract, each answering for one part of a call. */
interface Rules {
  readonly checksPaths: boolean
  readonly checksCommands: boolean
  readonly checksDomains: boolean
  isPathAllowed(forms: readonly string[] | null, resolve: ResolvePath | undefined): boolean
  isCommandAllowed(command: string | null | typeof COMPOUND): boolean
  isAddressAllowed(reach: Reach): boolean
  /** Every host is allowed, so that one which is not known is too. */
  readonly allowsAnyHost: boolean
}

export interface CompiledSandbox {
  readonly evaluate: (evaluation: Evaluation) => Fired | null
  readonly sight: (evaluation: Evaluation) => SandboxSight
}

/**
 * Compiles the check of a sandbox contract. Boundaries are made real paths once per resolver,
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
        if (!leaves(evaluation, rules, evaluation.context.resolvePath ?? resolvePath)) return null
      } catch (error) {
        return unjudged(message(evaluation), null, errorText(error))
      }
      return { message: message(evaluation), metadata: null, policyError: false }
    },
    sight: (evaluation) => look(evaluation, rules, evaluation.context.resolvePath ?? resolvePath),
  }
}

function compileRules(contract: SandboxDocument, resolvePath: ResolvePath | undefined): Rules {
  const commands = contract.allowsCommands === null ? null : new Set(contract.allowsCommands)
  const domains = contract.allowsDomains === null ? null : contract.allowsDomains.map(hostMatcher)
  const refused = contract.notAllowsDomains.map(hostMatcher)
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
    isAddressAllowed: ({ hosts }) =>
      hosts.length > 0 &&
      hosts.every(
        (host) =>
          !refused.some((matches) => matches(host)) && (domains === null || domains.some((matches) => matches(host))),
      ),
    allowsAnyHost: refused.length === 0 && (contract.allowsDomains?.includes('*') ?? true),
  }
}

function hostMatcher(pattern: string): (host: string) => boolean {
  return compileGlob(canonicalPattern(pattern))
}

function reachOf(evaluation: Evaluation): CallReach {
  evaluation.reach ??= new CallReach(evaluation.envelope, evaluation.context.env?.HOME)
  return evaluation.reach
}

/** A command that is there but no text cannot be judged by a sandbox that judges paths or commands. */
function readable(evaluation: Evaluation, rules: Rules): CallReach {
  const reach = reachOf(evaluation)
  if (reach.unreadable !== null && (rules.checksPaths || rules.checksCommands)) throw new TypeError(reach.unreadable)
  return reach
}

function leaves(evaluation: Evaluation, rules: Rules, resolve: ResolvePath | undefined): boolean {
  const reach = readable(evaluation, rules)
  const home = evaluation.context.env?.HOME
  if (rules.checksPaths && !reach.paths.every((path) => rules.isPathAllowed(realForms(path, resolve, home), resolve))) {
    return true
  }
  if (!reach.commands.every(({ command }) => rules.isCommandAllowed(command))) return true
  return rules.checksDomains && leadsElsewhere(reach.addresses, rules)
}

/** Throws when all hosts that can be read are allowed, but one cannot be. */
function leadsElsewhere(addresses: readonly Reach[], rules: Rules): boolean {
  let unknown: string | null = null
  for (const reach of addresses) {
    if (reach.unknown !== null) unknown = reach.unknown
    else if (!rules.isAddressAllowed(reach)) return true
  }
  if (unknown !== null && !rules.allowsAnyHost) throw new TypeError(unknown)
  return false
}

function look(evaluation: Evaluation, rules: Rules, resolve: ResolvePath | undefined): SandboxSight {
  const reach = readable(evaluation, rules)
  const paths = rules.checksPaths ? reach.paths : []
  const addresses = rules.checksDomains ? reach.addresses : []
  const [line] = reach.commands
  return {
    paths: paths.map((path) => {
      const judgedAs = realForms(path, resolve, evaluation.context.env?.HOME)
      return { path: path.text, judgedAs, allowed: rules.isPathAllowed(judgedAs, resolve) }
    }),
    command:
      line === undefined
        ? null
        : {
            text: line.command === COMPOUND ? 'more than one command' : (line.command ?? ''),
            allowed: reach.commands.every(({ command }) => rules.isCommandAllowed(command)),
          },
    hosts: addresses.flatMap((reached) => {
      const allowed = reached.unknown === null ? rules.isAddressAllowed(reached) : rules.allowsAnyHost
      const hosts = reached.hosts.length === 0 ? [reached.address || (reached.unknown ?? '')] : reached.hosts
      return hosts.map((host) => ({ host, allowed }))
    }),
  }
}
