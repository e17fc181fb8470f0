import { type FilesContext, listWorkspaceFolder, readWorkspaceFile, writeWorkspaceFile } from './files.ts'

/** What a tool's arguments look like: JSON Schema of an object. */
export interface ToolSchema {
  readonly type: 'object'
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly required: readonly string[]
  readonly additionalProperties: false
}

interface ToolBase {
  readonly name: string
  readonly description: string
  readonly schema: ToolSchema
  readonly sideEffect: 'read' | 'write' | 'irreversible'
}

/** Runs here, in the server. */
export interface DirectTool extends ToolBase {
  readonly kind: 'direct'
  run(args: Readonly<Record<string, unknown>>, context: FilesContext): Promise<Record<string, unknown>>
}

/** Runs in the sandbox, by its bootstrap. */
export interface DispatchedTool extends ToolBase {
  readonly kind: 'dispatched'
}

export type Tool = DirectTool | DispatchedTool

const text = (description: string) => ({ type: 'string', description })
const schema = (properties: ToolSchema['properties'], required: readonly string[]): ToolSchema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})
const path = text('Path of the file, in the workspace or absolute below /workspace.')

const tools: readonly Tool[] = [
  {
    kind: 'direct',
    name: 'fs.read',
    description: 'Read a text file of the workspace.',
    schema: schema({ path }, ['path']),
    sideEffect: 'read',
    run: (args, context) => readWorkspaceFile(context, String(args.path)),
  },
  {
    kind: 'direct',
    name: 'fs.write',
    description: 'Write a text file of the workspace. Replaces what was there; missing folders are made.',
    schema: schema({ path, content: text('The whole new content.') }, ['path', 'content']),
    sideEffect: 'write',
    run: (args, context) => writeWorkspaceFile(context, String(args.path), String(args.content)),
  },
  {
    kind: 'direct',
    name: 'fs.list',
    description: 'List a folder of the workspace.',
    schema: schema({ path: text('Path of the folder; "." is the workspace.') }, ['path']),
    sideEffect: 'read',
    run: (args, context) => listWorkspaceFolder(context, String(args.path)),
  },
  {
    kind: 'dispatched',
    name: 'cmd.run',
    description: 'Run a command in the workspace and see its output and exit code.',
    schema: schema(
      {
        command: text('The program to run.'),
        args: { type: 'array', items: { type: 'string' }, description: 'Its arguments.' },
        cwd: text('Folder to run in; the workspace when left out.'),
        env_additions: {
          type: 'object',
          additionalProperties: { type: 'string' },
          description: 'Environment variables to add.',
        },
        timeout_secs: { type: 'integer', minimum: 1, maximum: 3600, description: 'Seconds it may take (600).' },
        max_output_bytes: {
          type: 'integer',
          minimum: 1,
          maximum: 4_194_304,
          description: 'Bytes of output kept, from the end (1048576).',
        },
      },
      ['command'],
    ),
    sideEffect: 'irreversible',
  },
]

/** Names that manifests of published examples use (aegis-runtime §2.2). */
const aliases: Readonly<Record<string, string>> = {
  read_file: 'fs.read',
  write_file: 'fs.write',
  list_directory: 'fs.list',
  list_dir: 'fs.list',
  list_files: 'fs.list',
  run_command: 'cmd.run',
}

const byName = new Map(tools.map((tool) => [tool.name, tool]))

/** The tool of this name or alias, or null. */
export function findTool(name: string): Tool | null {
  return byName.get(Object.hasOwn(aliases, name) ? (aliases[name] ?? name) : name) ?? null
}

export const toolNames = (): string[] => [...byName.keys()]
