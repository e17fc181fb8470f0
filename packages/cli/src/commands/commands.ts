import type { Command } from 'commander'
import type { Context } from '../context.ts'

type Load = (context: Context) => Promise<Command>

/** Every command by its name, in the order of the help. Its code is imported when it is called, so that `up` starts fast. */
const commands: Readonly<Record<string, Load>> = {
  up: async (context) => (await import('./up.ts')).upCommand(context),
  bundle: async (context) => (await import('./bundle.ts')).bundleCommand(context),
  agent: async (context) => (await import('./agent.ts')).agentCommand(context),
  run: async (context) => (await import('./run.ts')).runCommand(context),
  logs: async (context) => (await import('./logs.ts')).logsCommand(context),
  key: async (context) => (await import('./key.ts')).keyCommand(context),
  account: async (context) => (await import('./account.ts')).accountCommand(context),
  approvals: async (context) => (await import('./approvals.ts')).approvalsCommand(context),
  backup: async (context) => (await import('./backup.ts')).backupCommand(context),
  restore: async (context) => (await import('./backup.ts')).restoreCommand(context),
  demo: async (context) => (await import('./demo.ts')).demoCommand(context),
  doctor: async (context) => (await import('./doctor.ts')).doctorCommand(context),
}

const valued = new Set(['-o', '--output', '--url'])

/** The command that `argv` names; all of them where it names none that stands alone, for the help and for suggestions. */
export async function loadCommands(argv: readonly string[], context: Context): Promise<Command[]> {
  const name = argv.find((word, index) => !word.startsWith('-') && !valued.has(argv[index - 1] ?? ''))
  const load = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  if (load) return [await load(context)]
  const { contractCommands } = await import('./contracts/contracts.ts')
  const overBundles = contractCommands(context)
  const named = overBundles.filter((command) => command.name() === name)
  if (named.length > 0) return named
  return [...(await Promise.all(Object.values(commands).map((one) => one(context)))), ...overBundles]
}
