import { toWireTime } from '../../storage/instants.ts'
import { content, list, optional, text } from '../management/arguments.ts'
import { draft } from '../record/events.ts'
import { builtin, type Tool } from '../tools/tool.ts'
import type { Script, ScriptSummary } from './script.ts'
import type { Scripts } from './scripts.ts'

const own = { ...builtin, category: 'filesystem' } as const
const reads = { ...own, tags: ['read-only'], sideEffect: 'read', isIdempotent: true, requires: 'volume:read' } as const
const writes = { ...own, sideEffect: 'write', isIdempotent: false, requires: 'volume:write' } as const
const id = text('Id of the script.')
const written = {
  name: text('Its name, of at most 128 bytes.'),
  code: content('The script, of at most 256 KiB.'),
  description: optional(content('What it does, in at most 2 KiB.')),
  tags: optional(list('At most 16 words of at most 32 bytes, to find it by.', { type: 'string' })),
}

/** Scripts that agents keep for later: text, which runs only where an agent hands it to a tool that runs something. */
export function scriptTools(deps: { scripts: Scripts }): Tool[] {
  const { scripts } = deps
  return [
    {
      ...writes,
      name: 'aegis.script.save',
      description: 'Keep a script for later use.',
      arguments: written,
      run: async ({ args, caller, tell }) => {
        const script = await scripts.save(caller.principal, inputOf(args))
        const { name, tenantId: tenant_id, version } = script
        await tell([draft('script_created', { id: script.id, tenant_id, name, version })])
        return shown(script)
      },
    },
    {
      ...reads,
      name: 'aegis.script.list',
      description: 'List the scripts that are kept, by name, without their code.',
      arguments: {
        tag: optional(text('Only those with this tag.')),
        q: optional(content('Only those with this text in their name or description.')),
      },
      run: async ({ args, caller }) => {
        const filter = {
          tag: args.tag === undefined ? null : String(args.tag),
          text: args.q === undefined ? null : String(args.q),
        }
        const found = (await scripts.list(caller.principal, filter)).map(shown)
        return { scripts: found, count: found.length }
      },
    },
    {
      ...reads,
      name: 'aegis.script.get',
      description: 'Read a script.',
      arguments: { id },
      run: async ({ args, caller }) => {
        const script = await scripts.get(caller.principal, String(args.id))
        return { ...shown(script), code: script.code }
      },
    },
    {
      ...writes,
      name: 'aegis.script.update',
      description: 'Replace a script; its version becomes one more. A description or tags that are left out stay.',
      arguments: { id, ...written },
      run: async ({ args, caller, tell }) => {
        const script = await scripts.update(caller.principal, String(args.id), inputOf(args))
        await tell([draft('script_updated', { id: script.id, name: script.name, new_version: script.version })])
        return shown(script)
      },
    },
    {
      ...writes,
      name: 'aegis.script.delete',
      description: 'Delete a script.',
      tags: ['destructive'],
      sideEffect: 'irreversible',
      arguments: { id },
      run: async ({ args, caller, tell }) => {
        const deleted = String(args.id)
        await scripts.delete(caller.principal, deleted)
        await tell([draft('script_deleted', { id: deleted })])
        return { status: 'deleted', id: deleted }
      },
    },
  ]
}

const inputOf = ({ name, code, description, tags }: Readonly<Record<string, unknown>>) => ({
  name: String(name),
  code: String(code),
  description: description === undefined ? undefined : String(description),
  tags: tags === undefined ? undefined : (tags as readonly string[]),
})

const shown = (script: Script | ScriptSummary) => ({
  id: script.id,
  name: script.name,
  description: script.description,
  tags: [...script.tags],
  version: script.version,
  created_at: toWireTime(script.createdAt),
  updated_at: toWireTime(script.updatedAt),
})
