import type { Command } from 'commander'
import type { Context } from '../context.ts'

type Load = (context: Context) => Promise<Command>

/** The commands by their names, in the order of the help. The code of one is imported when it is called, so that each starts fast. */
const commands: Readonly<Record<string, Load>> = {
  up: async (context) => (await import('./up.ts')).upCommand(context),
  bundle: async (context) => (await import('./bundle.ts')).bundleCommand(context),
  agent: async (context) => (await import('./agent.ts')).agentCommand(context),
  workflow: async (context) => (await import('./workflow.ts')).workflowCommand(context),
  stimulus: async (context) => (await import('./stimulus.ts')).stimulusCommand(context),
  schedule: async (context) => (await import('./schedule.ts')).scheduleCommand(context),
  tool: async (context) => (await import('./tool.ts')).toolCommand(context),
  run: async (context) => (await import('./run.ts')).runCommand(context),
  logs: async (context) => (await import('./logs.ts')).logsCommand(context),
  key: async (context) => (await import('./key.ts')).keyCommand(context),
  volume: async (context) => (await import('./volume.ts')).volumeCommand(context),
  secret: async (context) => (await import('./secret.ts')).secretCommand(context),
  credential: async (context) => (await import('./credential.ts')).credentialCommand(context),
  seal: async (context) => (await import('./seal.ts')).sealCommand(context),
  limit: async (context) => (await import('./limit.ts')).limitCommand(context),
  cortex: async (context) => (await import('./cortex.ts')).cortexCommand(context),
  swarm: async (context) => (await import('./swarm.ts')).swarmCommand(context),
  node: async (context) => (await import('./node.ts')).nodeCommand(context),
  mcp: async (context) => (await import('./mcp.ts')).mcpCommand(context),
  session: async (context) => (await import('./session.ts')).sessionCommand(context),
  login: async (context) => (await import('./login.ts')).loginCommand(context),
  logout: async (context) => (await import('./login.ts')).logoutCommand(context),
  account: async (context) => (await import('./account.ts')).accountCommand(context),
  gate: async (context) => (await import('../gate/commands.ts')).gateCommand(context),
  tenant: async (context) => (await import('./tenant.ts')).tenantCommand(context),
  member: async (context) => (await import('./member.ts')).memberCommand(context),
  skill: async (context) => (await import('../skills/command.ts')).skillCommand(context),
  approvals: async (context) => (await import('./approvals.ts')).approvalsCommand(context),
  audit: async (context) => (await import('./audit.ts')).auditCommand(context),
  backup: async (context) => (await import('./backup.ts')).backupCommand(context),
  restore: async (context) => (await import('./backup.ts')).restoreCommand(context),
  demo: async (context) => (await import('./demo.ts')).demoCommand(context),
  doctor: async (context) => (await import('./doctor.ts')).doctorCommand(context),
  // Those over bundle files. None of them needs a server.
  validate: async (context) => (await import('./contracts/validate.ts')).validateCommand(context),
  lint: async (context) => (await import('./contracts/lint.ts')).lintCommand(context),
  check: async (context) => (await import('./contracts/check.ts')).checkCommand(context),
  explain: async (context) => (await import('./contracts/explain.ts')).explainCommand(context),
  test: async (context) => (await import('./contracts/test.ts')).testCommand(context),
  diff: async (context) => (await import('./contracts/diff.ts')).diffCommand(context),
  replay: async (context) => (await import('./contracts/replay.ts')).replayCommand(context),
  convert: async (context) => (await import('./contracts/convert.ts')).convertCommand(context),
  template: async (context) => (await import('./contracts/templates.ts')).templateCommand(context),
  schema: async (context) => (await import('./contracts/schema.ts')).schemaCommand(context),
  conformance: async (context) => (await import('./contracts/conformance.ts')).conformanceCommand(context),
  version: async (context) => (await import('./contracts/version.ts')).versionCommand(context),
}

const valued = new Set(['-o', '--output', '--url'])

/** The command that `argv` names; all of them where it names none that stands alone, for the help and for suggestions. */
export async function loadCommands(argv: readonly string[], context: Context): Promise<Command[]> {
  const name = argv.find((word, index) => !word.startsWith('-') && !valued.has(argv[index - 1] ?? ''))
  const load = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  if (load) return [await load(context)]
  return Promise.all(Object.values(commands).map((one) => one(context)))
}
