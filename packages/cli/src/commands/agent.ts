import { AgentManifest, ManifestError } from '@lictor/aegis'
import { Command, Option } from 'commander'
import { readTextFile } from '../connection/files.ts'
import { findAgent, runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { present, table } from '../terminal/terminal.ts'

/** `lictor agent …`: deploy, list, show, move, pause, assign and delete agents of the runtime. */
export function agentCommand(context: Context): Command {
  const { terminal, settings, connect } = context
  const agent = new Command('agent').description('deploy and manage agents')

  const deploy = agent
    .command('deploy')
    .description('deploy an agent from its manifest')
    .argument('<file>', 'agent.yaml')
    .option('--bundle <name>', 'assign this bundle to it')
    .option(
      '--force',
      'replace what is deployed under the same name and version, and assign a bundle that does not exist',
    )
    .addOption(
      new Option('--scope <scope>', 'who sees it: its tenant, or every tenant (operators)').choices([
        'tenant',
        'global',
      ]),
    )
  deploy.action(async (file: string, options: { bundle?: string; force?: true; scope?: 'tenant' | 'global' }) => {
    const { output } = settings(deploy)
    const text = readTextFile(terminal, file)
    const manifest = readManifest(file, text)
    const connection = await connect(deploy)
    // Before anything changes: an agent is not deployed and then left without its contracts.
    if (options.bundle !== undefined) await requireBundle(context, connection, options.bundle, options.force === true)
    const deployed = await runtimeClient(connection).deployAgent(text, {
      ...(options.force ? { force: true } : {}),
      ...(options.scope ? { scope: options.scope } : {}),
    })
    if (options.bundle !== undefined) await assign(connection, manifest, options.bundle)
    for (const warning of deployed.warnings ?? []) terminal.note(`warning: ${warning}`)
    present(terminal, output, deployed, () => [
      `Deployed ${deployed.name} ${deployed.version}${options.bundle === undefined ? '' : `, governed by ${options.bundle}`}.`,
      `Run it: lictor run ${deployed.name} --input "…"`,
    ])
  })

  const list = agent
    .command('list')
    .description('list deployed agents')
    .addOption(
      new Option('--scope <scope>', 'only those of the tenant, or of every tenant').choices(['tenant', 'global']),
    )
    .option('--type <type>', 'only those with this label `type` or `role`, for example judge')
  list.action(async (options: { scope?: 'tenant' | 'global'; type?: string }) => {
    const { agents } = await runtimeClient(await connect(list)).listAgents({
      ...(options.scope ? { scope: options.scope } : {}),
      ...(options.type ? { agent_type: options.type } : {}),
    })
    present(terminal, settings(list).output, agents, () =>
      agents.length === 0
        ? 'No agents yet. Deploy one with `lictor agent deploy FILE`.'
        : table(
            ['NAME', 'VERSION', 'SCOPE', 'STATUS', 'ID'],
            agents.map((a) => [a.name, a.version, a.scope, a.status, a.agent_id]),
          ),
    )
  })

  const show = agent.command('get').description('show an agent').argument('<agent>', 'name or id')
  show.action(async (named: string) => {
    const client = runtimeClient(await connect(show))
    const found = await client.getAgent(await findAgent(client, named))
    present(
      terminal,
      settings(show).output,
      found,
      () => found.manifest_yaml?.trimEnd() ?? JSON.stringify(found, null, 2),
    )
  })

  const versions = agent
    .command('versions')
    .description('list the versions of an agent, newest first')
    .argument('<agent>', 'name or id')
  versions.action(async (named: string) => {
    const client = runtimeClient(await connect(versions))
    const found = await client.listAgentVersions(await findAgent(client, named))
    present(terminal, settings(versions).output, found.versions, () =>
      table(
        ['VERSION', 'DEPLOYED'],
        found.versions.map((one) => [one.version, one.deployed_at]),
      ),
    )
  })

  for (const [name, scope, description] of [
    ['promote', 'global', 'let every tenant see an agent (operators)'],
    ['demote', 'tenant', 'let only your tenant see an agent again (operators)'],
  ] as const) {
    const move = agent.command(name).description(description).argument('<agent>', 'name or id')
    move.action(async (named: string) => {
      const client = runtimeClient(await connect(move))
      const moved = await client.updateAgentScope(await findAgent(client, named), { scope })
      present(terminal, settings(move).output, moved, () =>
        scope === 'global' ? `Every tenant sees ${moved.name}.` : `Only your tenant sees ${moved.name}.`,
      )
    })
  }

  for (const [name, status, description] of [
    ['pause', 'paused', 'refuse new executions of an agent'],
    ['resume', 'active', 'let an agent be executed again'],
  ] as const) {
    const change = agent.command(name).description(description).argument('<agent>', 'name or id')
    change.action(async (named: string) => {
      const client = runtimeClient(await connect(change))
      const changed = await client.updateAgent(await findAgent(client, named), { status })
      present(terminal, settings(change).output, changed, () => `${changed.name} is ${changed.status}.`)
    })
  }

  const assignment = agent
    .command('assign')
    .description('choose the bundle that governs an agent')
    .argument('<agent>', 'its agent id (for deployed agents, the name)')
    .argument('<bundle>', 'name of a bundle')
    .option('--force', 'also when there is no such bundle yet: until it is deployed, every call is denied')
  assignment.action(async (named: string, bundle: string, options: { force?: true }) => {
    const connection = await connect(assignment)
    await requireBundle(context, connection, bundle, options.force === true)
    await assign(connection, named, bundle)
    present(
      terminal,
      settings(assignment).output,
      { agent_id: named, bundle_name: bundle },
      () => `${named} is governed by ${bundle}.`,
    )
  })

  const remove = agent.command('delete').description('delete an agent').argument('<agent>', 'name or id')
  remove.action(async (named: string) => {
    const client = runtimeClient(await connect(remove))
    const answer = await client.deleteAgent(await findAgent(client, named))
    present(terminal, settings(remove).output, answer, () => `Deleted ${named}.`)
  })
  return agent
}

/**
 * A bundle that is nowhere deployed denies every call of the agents it is assigned to: an error unless it is wanted, because it is
 * mostly a name that was mistyped; a warning when there is such a bundle.
 */
async function requireBundle(
  { terminal }: Context,
  connection: Awaited<ReturnType<Context['connect']>>,
  name: string,
  isForced: boolean,
): Promise<void> {
  const bundles = await connection.request<{ name: string; deployed_envs: readonly string[] }[]>(
    'GET',
    '/api/v1/bundles',
  )
  const bundle = bundles.find((one) => one.name === name)
  if (bundle === undefined && !isForced)
    throw new CliError('unknown_bundle', `There is no bundle '${name}'.`, {
      hint: `${bundles.length === 0 ? 'Upload it with `lictor bundle upload FILE --deploy production`' : `There are: ${bundles.map((one) => one.name).join(', ')}. Upload another with \`lictor bundle upload FILE --deploy production\``}, or assign it all the same with --force: until it is deployed, every call of the agent is denied.`,
    })
  if (bundle === undefined || bundle.deployed_envs.length === 0)
    terminal.note(
      `warning: the bundle '${name}' ${bundle === undefined ? 'does not exist' : 'is deployed nowhere'}. Until it is deployed, every call of the agent is denied.`,
    )
}

async function assign(
  connection: Awaited<ReturnType<Context['connect']>>,
  agentId: string,
  bundle: string,
): Promise<void> {
  await connection.request('PATCH', `/api/v1/agent-registrations/${encodeURIComponent(agentId)}`, {
    bundle_name: bundle,
  })
}

/** The manifest's name; every problem in it, with its place. */
function readManifest(file: string, text: string): string {
  try {
    return AgentManifest.parse(text).metadata.name
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    const lines = error.issues.map(
      (issue) =>
        `${file}:${issue.line ?? 1}:${issue.column ?? 1}  ${issue.path ? `${issue.path}: ` : ''}${issue.message}`,
    )
    throw new CliError('manifest', lines.join('\n'), { cause: error })
  }
}
