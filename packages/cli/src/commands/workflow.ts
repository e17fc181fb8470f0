import { describeIssue, type Issue, WorkflowManifest, WorkflowManifestError } from '@lictor/aegis'
import { Command, Option } from 'commander'
import { readTextFile } from '../connection/files.ts'
import { runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { style } from '../terminal/style.ts'
import { present, table } from '../terminal/terminal.ts'
import { mermaidOf } from './workflow-graph.ts'
import { workflowRunCommands } from './workflow-runs.ts'

/** `lictor workflow …`: check and draw workflows, which needs no server; register, list, show, move, delete and run them. */
export function workflowCommand(context: Context): Command {
  const { terminal, settings, exitWith, connect } = context
  const workflow = new Command('workflow').description('check, draw, register and run workflows')

  const validate = workflow
    .command('validate')
    .description('check a workflow manifest as a server would, and tell every problem with its place')
    .argument('<file>', 'workflow.yaml')
  validate.action(async (file: string) => {
    const text = readTextFile(terminal, file)
    const { output } = settings(validate)
    // The part of the server that renders templates: it takes a moment to load, and the other commands do without.
    const { loadTemplateCheck } = await import('@lictor/server/templates')
    const read = readManifest(text, { templates: await loadTemplateCheck() })
    const answer = {
      file,
      valid: read.manifest !== null,
      ...(read.manifest ? { name: read.manifest.metadata.name, version: read.manifest.metadata.version } : {}),
      states: read.manifest ? Object.keys(read.manifest.spec.states).length : 0,
      issues: read.issues,
    }
    present(terminal, output, answer, () =>
      read.manifest === null
        ? []
        : `${style('green', 'valid')}  ${file}  ${answer.name} ${answer.version}, ${answer.states} state${answer.states === 1 ? '' : 's'}`,
    )
    if (output === 'table') for (const issue of read.issues) terminal.note(placed(file, issue))
    if (!answer.valid) exitWith(1)
  })

  const graph = workflow
    .command('graph')
    .description('draw a workflow as a Mermaid diagram')
    .argument('<file>', 'workflow.yaml')
  graph.action((file: string) => {
    const read = readManifest(readTextFile(terminal, file))
    if (read.manifest === null) throw broken(file, read.issues)
    const diagram = mermaidOf(read.manifest)
    present(terminal, settings(graph).output, { file, format: 'mermaid', diagram }, () => diagram)
  })

  const deploy = workflow
    .command('deploy')
    .description('register a workflow from its manifest; the agents it names must be deployed')
    .argument('<file>', 'workflow.yaml')
    .option('--force', 'replace what is registered under the same name and version')
    .addOption(
      new Option('--scope <scope>', 'who sees it: its tenant, or every tenant (operators)').choices([
        'tenant',
        'global',
      ]),
    )
  deploy.action(async (file: string, options: { force?: true; scope?: 'tenant' | 'global' }) => {
    const text = readTextFile(terminal, file)
    const read = readManifest(text)
    if (read.manifest === null) throw broken(file, read.issues)
    const registered = await runtimeClient(await connect(deploy)).registerWorkflow(text, options)
    for (const warning of registered.warnings ?? []) terminal.note(`warning: ${warning}`)
    present(
      terminal,
      settings(deploy).output,
      registered,
      () =>
        `Registered ${registered.name} ${registered.version}. Run it with \`lictor workflow run ${registered.name}\`.`,
    )
  })

  const list = workflow
    .command('list')
    .description('list registered workflows')
    .addOption(
      new Option('--scope <scope>', 'only those of the tenant, or of every tenant').choices(['tenant', 'global']),
    )
  list.action(async (options: { scope?: 'tenant' | 'global' }) => {
    const { workflows } = await runtimeClient(await connect(list)).listWorkflows(
      options.scope ? { scope: options.scope } : { visible: true },
    )
    present(terminal, settings(list).output, workflows, () =>
      workflows.length === 0
        ? 'No workflows yet. Register one with `lictor workflow deploy FILE`.'
        : table(
            ['NAME', 'VERSION', 'SCOPE', 'ID'],
            workflows.map((one) => [one.name, one.version, one.scope, one.id]),
          ),
    )
  })

  const show = workflow.command('get').description('show a workflow').argument('<workflow>', 'name or id')
  show.action(async (named: string) => {
    const found = await runtimeClient(await connect(show)).getWorkflow(named)
    present(
      terminal,
      settings(show).output,
      found,
      () => found.manifest_yaml?.trimEnd() ?? JSON.stringify(found, null, 2),
    )
  })

  const versions = workflow
    .command('versions')
    .description('list the versions of a workflow, newest first')
    .argument('<workflow>', 'name or id')
  versions.action(async (named: string) => {
    const client = runtimeClient(await connect(versions))
    // A workflow that there is not has no versions: here that is an error, as with agents.
    await client.getWorkflow(named)
    const found = await client.listWorkflowVersions(named)
    present(terminal, settings(versions).output, found.versions, () =>
      table(
        ['VERSION', 'REGISTERED'],
        found.versions.map((one) => [one.version, one.registered_at]),
      ),
    )
  })

  for (const [name, scope, description] of [
    ['promote', 'global', 'let every tenant see a workflow (operators)'],
    ['demote', 'tenant', 'let only your tenant see a workflow again (operators)'],
  ] as const) {
    const move = workflow.command(name).description(description).argument('<workflow>', 'name or id')
    move.action(async (named: string) => {
      const moved = await runtimeClient(await connect(move)).updateWorkflowScope(named, { scope })
      present(terminal, settings(move).output, moved, () =>
        scope === 'global' ? `Every tenant sees ${moved.name}.` : `Only your tenant sees ${moved.name}.`,
      )
    })
  }

  const remove = workflow
    .command('delete')
    .description('delete a workflow and its versions')
    .argument('<workflow>', 'name or id')
  remove.action(async (named: string) => {
    const answer = await runtimeClient(await connect(remove)).deleteWorkflow(named)
    present(terminal, settings(remove).output, answer, () => `Deleted ${named}.`)
  })
  for (const command of workflowRunCommands(context)) workflow.addCommand(command)
  return workflow
}

const broken = (file: string, issues: readonly Issue[]): CliError =>
  new CliError('manifest', issues.map(describeIssue).join('; '), {
    excerpt: issues.map((issue) => placed(file, issue)),
    details: { file, issues },
    hint: `Check it with \`lictor workflow validate ${file}\`.`,
  })

/** The manifest and what it is warned of; null and every problem where it is none. In the order of the text. */
function readManifest(
  text: string,
  rules: Parameters<typeof WorkflowManifest.parse>[1] = {},
): { manifest: WorkflowManifest | null; issues: readonly Issue[] } {
  try {
    const manifest = WorkflowManifest.parse(text, rules)
    return { manifest, issues: inOrder(manifest.warnings) }
  } catch (error) {
    if (!(error instanceof WorkflowManifestError)) throw error
    return { manifest: null, issues: inOrder(error.issues) }
  }
}

const inOrder = (issues: readonly Issue[]): Issue[] =>
  [...issues].sort((one, other) => (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0))

const placed = (file: string, { line = 1, column = 1, severity, path, message }: Issue): string =>
  `${file}:${line}:${column}: ${severity}: ${path && !message.includes(path) ? `${path}: ` : ''}${message}`
