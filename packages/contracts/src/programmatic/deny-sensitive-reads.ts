import type { Precondition } from './contracts.ts'
import { Verdict } from './verdict.ts'

export interface SensitiveReadOptions {
  /** Fragments of paths; an empty list keeps the built-in ones. */
  readonly sensitivePaths?: readonly string[]
  /** Commands that print secrets; an empty list keeps the built-in ones. */
  readonly sensitiveCommands?: readonly string[]
}

const PATHS: readonly string[] = [
  '/.ssh/',
  '/var/run/secrets/',
  '/.env',
  '/.aws/credentials',
  '/.git-credentials',
  '/id_rsa',
  '/id_ed25519',
]
const COMMANDS: readonly string[] = ['printenv', 'env']

/** A precondition for every tool that denies reading well-known secrets. */
export function denySensitiveReads(options: SensitiveReadOptions = {}): Precondition {
  const paths = orDefault(options.sensitivePaths, PATHS)
  const commands = orDefault(options.sensitiveCommands, COMMANDS)
  return {
    contractType: 'pre',
    tool: '*',
    name: 'deny_sensitive_reads',
    check: ({ filePath, bashCommand }) => {
      const path = paths.find((fragment) => filePath?.includes(fragment))
      if (path !== undefined) return Verdict.fail(`Reading ${filePath} is denied: it may hold secrets`)
      const command = bashCommand?.trim() ?? ''
      if (commands.some((name) => command === name || command.startsWith(`${name} `))) {
        return Verdict.fail('This command prints secrets of the environment and is denied')
      }
      return paths.some((fragment) => command.includes(fragment))
        ? Verdict.fail('This command reaches for a path that may hold secrets and is denied')
        : Verdict.pass()
    },
  }
}

function orDefault(own: readonly string[] | undefined, builtIn: readonly string[]): readonly string[] {
  return own === undefined || own.length === 0 ? builtIn : own
}
