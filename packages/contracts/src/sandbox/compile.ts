import type { Fired } from '../contracts/compiled.ts'
import { unjudged } from '../contracts/verdict.ts'
import type { SandboxDocument } from '../document.ts'
import type { Evaluation } from '../expressions/evaluation.ts'
import { errorText } from '../expressions/outcome.ts'
import { compileGlob, type Matcher } from '../match/glob.ts'
import type { MessageMaker } from '../messages/template.ts'
import type { Envelope } from '../types.ts'
import { COMPOUND, type CommandLine, commandLine } from './command.ts'
import { extractHosts } from './hosts.ts'
import { extractPaths, isInside, type ResolvePath, realForms, realPath } from './paths.ts'

interface Boundaries {
  readonly resolve: ResolvePath | undefined
  readonly within: readonly string[]
  readonly notWithin: readonly string[]
}

/**
 * Compiles the check of a sandbox contract (contract-language §10.2). Boundaries are made real paths once per resolver,
 * with the one given here at once.
 */
export function compileSandbox(
  contract: SandboxDocument,
  message: MessageMaker,
  resolvePath?: ResolvePath,
): (evaluation: Evaluation) => Fired | null {
  const checksPaths = contract.within.length > 0
  const commands = contract.allowsCommands === null ? null : new Set(contract.allowsCommands)
  const domains = contract.allowsDomains === null ? null : contract.allowsDomains.map(compileGlob)
  const refusedDomains = contract.notAllowsDomains.map(compileGlob)
  const checksDomains = domains !== null || refusedDomains.length > 0
  let boundaries = boundariesOf(contract, resolvePath)

  const leaves = (envelope: Envelope, resolve: ResolvePath | undefined): boolean => {
    const line = commandLine(envelope)
    if (line.kind === 'unreadable' && (checksPaths || commands !== null)) {
      throw new TypeError('the command is no text')
    }
    if (checksPaths) {
      if (boundaries.resolve !== resolve) boundaries = boundariesOf(contract, resolve)
      if (leavesPaths(envelope, line, boundaries)) return true
    }
    if (line.kind === 'text') {
      if (line.command === COMPOUND) return true
      if (commands !== null && line.command !== null && !commands.has(line.command)) return true
    }
    return checksDomains && leavesDomains(envelope, domains, refusedDomains)
  }

  return (evaluation) => {
    try {
      if (!leaves(evaluation.envelope, evaluation.context.resolvePath ?? resolvePath)) return null
    } catch (error) {
      return unjudged(message(evaluation), null, errorText(error))
    }
    return { message: message(evaluation), metadata: null, policyError: false }
  }
}

function boundariesOf(contract: SandboxDocument, resolve: ResolvePath | undefined): Boundaries {
  const real = (path: string) => realPath(path, resolve)
  return { resolve, within: contract.within.map(real), notWithin: contract.notWithin.map(real) }
}

function leavesPaths(envelope: Envelope, line: CommandLine, boundaries: Boundaries): boolean {
  for (const path of extractPaths(envelope, line)) {
    const forms = realForms(path, boundaries.resolve)
    if (forms === null) return true
    for (const form of forms) {
      if (boundaries.notWithin.some((boundary) => isInside(form, boundary))) return true
      if (!boundaries.within.some((boundary) => isInside(form, boundary))) return true
    }
  }
  return false
}

function leavesDomains(envelope: Envelope, allowed: readonly Matcher[] | null, refused: readonly Matcher[]): boolean {
  for (const hosts of extractHosts(envelope)) {
    for (const host of hosts) {
      if (refused.some((matches) => matches(host))) return true
      if (allowed !== null && !allowed.some((matches) => matches(host))) return true
    }
  }
  return false
}
