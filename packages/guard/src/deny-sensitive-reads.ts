import { type Precondition, Verdict } from '@lictor/contracts'

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

/**
 * A precondition for every tool that keeps agents off well-known secrets: files by parts of their path, commands by their
 * first word (edictum-sdk §7). An empty list means the default one.
 */
export function denySensitiveReads(
  options: { readonly sensitivePaths?: readonly string[]; readonly sensitiveCommands?: readonly string[] } = {},
): Precondition {
  const paths = options.sensitivePaths?.length ? options.sensitivePaths : PATHS
  const commands = options.sensitiveCommands?.length ? options.sensitiveCommands : COMMANDS
  return {
    contractType: 'pre',
    tool: '*',
    name: 'deny_sensitive_reads',
    check: ({ filePath, bashCommand }) => {
      if (filePath !== null && paths.some((path) => filePath.includes(path))) {
        return Verdict.fail(`Access to the sensitive path ${filePath} is denied. Work without it, or ask the operator.`)
      }
      const command = (bashCommand ?? '').trim()
      const named = commands.find((name) => command === name || command.startsWith(`${name} `))
      if (named !== undefined)
        return Verdict.fail(`The command ${named} shows secrets of the environment and is denied.`)
      if (paths.some((path) => command.includes(path))) {
        return Verdict.fail('The command names a sensitive path and is denied.')
      }
      return Verdict.pass()
    },
  }
}
