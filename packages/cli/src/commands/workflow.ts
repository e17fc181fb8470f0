import { describeIssue, type Issue, WorkflowManifest, WorkflowManifestError } from '@lictor/aegis'
import { Command } from 'commander'
import { readTextFile } from '../connection/files.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { style } from '../terminal/style.ts'
import { present } from '../terminal/terminal.ts'
import { mermaidOf } from './workflow-graph.ts'

/** `lictor workflow …`: check and draw workflows. Neither needs a server. */
export function workflowCommand(context: Context): Command {
  const { terminal, settings, exitWith } = context
  const workflow = new Command('workflow').description('check and draw workflows')

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
    if (read.manifest === null)
      throw new CliError('manifest', read.issues.map(describeIssue).join('; '), {
        excerpt: read.issues.map((issue) => placed(file, issue)),
        details: { file, issues: read.issues },
        hint: `Check it with \`lictor workflow validate ${file}\`.`,
      })
    const diagram = mermaidOf(read.manifest)
    present(terminal, settings(graph).output, { file, format: 'mermaid', diagram }, () => diagram)
  })
  return workflow
}

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
