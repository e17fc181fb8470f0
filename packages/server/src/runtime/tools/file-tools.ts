import { shownPath } from '../files/path.ts'
import type { JudgedPath } from '../files/resolve.ts'
import { glob, grep, SearchRefused } from '../files/search.ts'
import {
  type Edit,
  editWorkspaceFile,
  explain,
  listWorkspaceFolder,
  makeWorkspaceFolder,
  readWorkspaceFile,
  removeWorkspaceEntry,
  writeWorkspaceFile,
} from './files.ts'
import { builtin, type Tool, ToolFailed, type ToolRun } from './tool.ts'

const text = (description: string) => ({ type: 'string', description })
const file = text('Path of the file, in the workspace or absolute below /workspace.')
const folder = text('Path of the folder; "." is the workspace.')
const searched = text('Path of the folder to search, or of one file; "." is the workspace.')
const target = text('The text to replace, exactly as it stands in the file. It must occur exactly once.')
const replacement = text('What comes in its place.')

const fileTool = { ...builtin, category: 'filesystem' } as const

/** Tools over the files of an agent, all through one layer (`files/open.ts`), with mounted volumes where they are mounted. */
export const fileTools: readonly Tool[] = [
  {
    ...fileTool,
    name: 'fs.read',
    aliases: ['read_file'],
    description: 'Read a text file of the workspace.',
    sideEffect: 'read',
    isIdempotent: true,
    tags: ['read-only'],
    readsFile: 'path',
    arguments: { path: { is: 'path', access: 'read', schema: file } },
    run: async ({ path, touched }) => {
      const result = await readWorkspaceFile(path('path'))
      touched('file_read', path('path'), { bytes_read: result.size_bytes })
      return result
    },
  },
  {
    ...fileTool,
    name: 'fs.write',
    aliases: ['write_file'],
    description: 'Write a text file of the workspace. Replaces what was there; missing folders are made.',
    sideEffect: 'write',
    isIdempotent: true,
    tags: ['destructive'],
    isSubjectToJudges: true,
    arguments: {
      path: { is: 'path', access: 'write', schema: file },
      content: { is: 'content', schema: text('The whole new content.') },
    },
    run: async ({ path, args, diskLimit, touched }) =>
      written(touched, path('path'), await writeWorkspaceFile(path('path'), String(args.content), diskLimit)),
  },
  {
    ...fileTool,
    name: 'fs.list',
    aliases: ['list_directory', 'list_dir', 'list_files'],
    description: 'List a folder of the workspace.',
    sideEffect: 'read',
    isIdempotent: true,
    tags: ['read-only'],
    arguments: { path: { is: 'path', access: 'read', schema: folder } },
    run: async ({ path, touched }) => {
      const result = await listWorkspaceFolder(path('path'))
      touched('directory_listed', path('path'), { entry_count: result.entries.length })
      return result
    },
  },
  {
    ...fileTool,
    name: 'fs.create_dir',
    aliases: ['create_directory', 'create_dir'],
    description: 'Make a folder in the workspace, with those above it.',
    sideEffect: 'write',
    isIdempotent: true,
    isSubjectToJudges: true,
    arguments: { path: { is: 'path', access: 'write', schema: text('Path of the folder.') } },
    run: async ({ path, touched }) => {
      const result = await makeWorkspaceFolder(path('path'))
      if (isNew(path('path'))) touched('file_created', path('path'), { is_dir: true })
      return result
    },
  },
  {
    ...fileTool,
    name: 'fs.delete',
    aliases: ['delete_file'],
    description: 'Delete a file of the workspace, or a folder with all that is in it.',
    sideEffect: 'irreversible',
    isIdempotent: false,
    tags: ['destructive'],
    isSubjectToJudges: true,
    arguments: {
      path: { is: 'path', access: 'remove', schema: text('Path of the file or folder.') },
      recursive: {
        is: 'setting',
        isOptional: true,
        schema: { type: 'boolean', description: 'Whether a folder is deleted with all that is in it (false).' },
      },
    },
    run: async ({ path, args, touched }) => {
      const result = await removeWorkspaceEntry(path('path'), args.recursive === true)
      touched('file_deleted', path('path'), {})
      return result
    },
  },
  {
    ...fileTool,
    name: 'fs.edit',
    aliases: ['edit_file'],
    description: 'Replace one text in a file of the workspace. Nothing changes unless it occurs exactly once.',
    sideEffect: 'write',
    isIdempotent: false,
    tags: ['destructive'],
    isSubjectToJudges: true,
    arguments: {
      path: { is: 'path', access: 'write', schema: file },
      target_content: { is: 'content', schema: target },
      replacement_content: { is: 'content', schema: replacement },
    },
    run: async ({ path, args, diskLimit, touched }) => {
      const edits = [args as unknown as Edit]
      const { edits_applied: _one, ...result } = await editWorkspaceFile(path('path'), edits, diskLimit)
      return written(touched, path('path'), result)
    },
  },
  {
    ...fileTool,
    name: 'fs.multi_edit',
    aliases: ['multi_edit_file'],
    description:
      'Replace several texts in a file of the workspace, one after the other. All are made or none: each must occur exactly once when its turn comes.',
    sideEffect: 'write',
    isIdempotent: false,
    tags: ['destructive'],
    isSubjectToJudges: true,
    arguments: {
      path: { is: 'path', access: 'write', schema: file },
      edits: {
        is: 'content',
        schema: {
          type: 'array',
          minItems: 1,
          maxItems: 1000,
          items: {
            type: 'object',
            properties: { target_content: target, replacement_content: replacement },
            required: ['target_content', 'replacement_content'],
            additionalProperties: false,
          },
          description: 'The replacements, in their order.',
        },
      },
    },
    run: async ({ path, args, diskLimit, touched }) => {
      const result = await editWorkspaceFile(path('path'), args.edits as readonly Edit[], diskLimit)
      return written(touched, path('path'), result)
    },
  },
  {
    ...fileTool,
    name: 'fs.grep',
    aliases: ['grep_files'],
    description:
      'Find the lines of text files that a regular expression matches, in a folder and below it. At most 1000.',
    sideEffect: 'read',
    isIdempotent: true,
    tags: ['read-only'],
    arguments: {
      pattern: { is: 'content', schema: text('Regular expression, as Python writes them.') },
      path: { is: 'path', access: 'read', schema: searched },
    },
    run: async ({ path, args, mayRead, touched }) => {
      const at = path('path')
      const { matches, isCut } = await grep(at, String(args.pattern), mayRead).catch(explainSearch(at))
      // A search is told as the folder that was searched: what it has of files is in its result.
      touched('directory_listed', at, { entry_count: new Set(matches.map(({ file }) => file)).size })
      return { status: 'success', path: shownPath(at.components), matches, ...(isCut ? { truncated: true } : {}) }
    },
  },
  {
    ...fileTool,
    name: 'fs.glob',
    aliases: ['glob_files'],
    description: 'Find files and folders by name: `*` is any run of characters, `?` is one.',
    sideEffect: 'read',
    isIdempotent: true,
    tags: ['read-only'],
    arguments: {
      pattern: {
        is: 'content',
        schema: text('Compared with the name, or with the path from the folder on where it contains a slash.'),
      },
      path: { is: 'path', access: 'read', schema: folder },
    },
    run: async ({ path, args, mayRead, touched }) => {
      const at = path('path')
      const { matches, isCut } = await glob(at, String(args.pattern), mayRead).catch(explainSearch(at))
      touched('directory_listed', at, { entry_count: matches.length })
      return { status: 'success', path: shownPath(at.components), matches, ...(isCut ? { truncated: true } : {}) }
    },
  },
]

/** When it was judged, there was nothing. */
const isNew = ({ existing, components }: JudgedPath): boolean => existing < components.length

function written<T extends { readonly bytes_written: number }>(
  touched: ToolRun['touched'],
  path: JudgedPath,
  result: T,
): T {
  if (isNew(path)) touched('file_created', path, {})
  touched('file_written', path, { bytes_written: result.bytes_written })
  return result
}

const explainSearch =
  (path: Parameters<typeof explain>[0]) =>
  (error: unknown): never => {
    if (error instanceof SearchRefused) throw new ToolFailed(error.message)
    return explain(path)(error)
  }
