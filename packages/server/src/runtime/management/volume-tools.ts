import { isUtf8 } from 'node:buffer'
import { toWireTime } from '../../storage/instants.ts'
import { builtin, type Tool, ToolFailed, type ToolRun } from '../tools/tool.ts'
import type { VolumeFiles } from '../volumes/files.ts'
import { ATTACHMENTS, type Volume, type VolumeFile } from '../volumes/volume.ts'
import type { Volumes } from '../volumes/volumes.ts'
import { content, text, whole } from './arguments.ts'

const LARGEST_READ_BYTES = 10 * 1024 ** 2
const MOST_ENTRIES = 10_000
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

const own = { ...builtin, category: 'filesystem' } as const
const reads = { ...own, tags: ['read-only'], sideEffect: 'read', isIdempotent: true, requires: 'volume:read' } as const
const writes = { ...own, sideEffect: 'write', isIdempotent: false, requires: 'volume:write' } as const
const volumeId = text('Id of the volume.')
const path = text('Path from the root of the volume.')

/** Volumes and their files, by the rules of the HTTP routes and with the rights of whoever calls. */
export function volumeTools(deps: { volumes: () => Volumes; files: () => VolumeFiles }): Tool[] {
  const volumes = () => deps.volumes()
  const filesOf = ({ caller }: ToolRun) => deps.files().of(caller.executionId)
  const volumeOf = async ({ args, caller }: ToolRun): Promise<Volume> => {
    const id = String(args.volume_id).toLowerCase()
    if (!UUID.test(id)) throw new ToolFailed(`'${args.volume_id}' is no id of a volume.`)
    return volumes().get(caller.principal, id)
  }
  /** At most the first 10 MiB. */
  async function bytesOf(files: VolumeFiles, volume: Volume, file: VolumeFile): Promise<Buffer> {
    if (file.size === 0) return Buffer.alloc(0)
    const range = { start: 0, end: Math.min(file.size, LARGEST_READ_BYTES) - 1 }
    const parts: Buffer[] = []
    for await (const part of await files.open(volume, file, range)) parts.push(part as Buffer)
    return Buffer.concat(parts)
  }
  async function readIn(files: VolumeFiles, volume: Volume, at: string) {
    const file = await files.stat(volume, at)
    const bytes = await bytesOf(files, volume, file)
    const isText = !bytes.includes(0) && isUtf8(bytes)
    return {
      path: `/${file.path}`,
      content: isText ? bytes.toString('utf8') : bytes.toString('base64'),
      encoding: isText ? 'utf-8' : 'base64',
      mime_type: file.mimeType,
      size: file.size,
      sha256: file.sha256,
      ...(file.size > bytes.length ? { truncated: true } : {}),
    }
  }

  return [
    {
      ...writes,
      name: 'aegis.volume.create',
      description: 'Make a volume for files that outlive an execution.',
      arguments: {
        label: text('Its name.'),
        size_limit_bytes: whole('Bytes that its files may have together.', { minimum: 1 }),
      },
      run: async ({ args, caller }) =>
        shown(
          await volumes().create(caller.principal, {
            label: String(args.label),
            sizeLimit: Number(args.size_limit_bytes),
          }),
        ),
    },
    {
      ...reads,
      name: 'aegis.volume.list',
      description: 'List the volumes.',
      arguments: {},
      run: async ({ caller }) => {
        const found = (await volumes().list(caller.principal)).map(shown)
        return { volumes: found, count: found.length }
      },
    },
    {
      ...writes,
      name: 'aegis.volume.delete',
      description: 'Delete a volume with all that is in it.',
      tags: ['destructive'],
      sideEffect: 'irreversible',
      arguments: { volume_id: volumeId },
      run: async (run) => {
        const { id } = await volumeOf(run)
        await volumes().delete(run.caller.principal, id)
        return { status: 'deleted', id }
      },
    },
    {
      ...reads,
      name: 'aegis.volume.quota',
      description: 'What volumes may hold, and do.',
      arguments: {},
      run: async ({ caller }) => {
        const { quota, used, count, limit, largestFile } = await volumes().use(caller.principal)
        return {
          quota_bytes: quota,
          used_bytes: used,
          volume_count: count,
          volume_limit: limit,
          max_file_size_bytes: largestFile,
        }
      },
    },
    {
      ...reads,
      name: 'aegis.file.list',
      description: 'List a folder of a volume.',
      arguments: { volume_id: volumeId, path: text('Path of the folder; "/" is the root.') },
      run: async (run) => {
        const page = { limit: MOST_ENTRIES, offset: 0 }
        const { path: folder, entries } = await filesOf(run).list(await volumeOf(run), String(run.args.path), page)
        return {
          path: `/${folder}`,
          entries: entries.map(({ name, isFolder, size }) => ({
            name,
            type: isFolder ? 'dir' : 'file',
            size_bytes: size,
          })),
        }
      },
    },
    {
      ...reads,
      name: 'aegis.file.read',
      description: 'Read a file of a volume: as text, or as base64 where it is none. At most the first 10 MiB.',
      arguments: { volume_id: volumeId, path },
      run: async (run) => readIn(filesOf(run), await volumeOf(run), String(run.args.path)),
    },
    {
      ...writes,
      name: 'aegis.file.write',
      description: 'Write a text file of a volume. Replaces what was there; missing folders are made.',
      isIdempotent: true,
      arguments: { volume_id: volumeId, path, content: content('The whole new content.') },
      run: async (run) => {
        const at = String(run.args.path)
        const bytes = Buffer.from(String(run.args.content))
        const kept = await filesOf(run).write(await volumeOf(run), {
          source: inOne(bytes),
          path: at,
          finalPath: () => at,
          atLeast: bytes.length,
          atMost: bytes.length,
        })
        return { status: 'written', path: `/${kept.path}`, size_bytes: kept.size, sha256: kept.sha256 }
      },
    },
    {
      ...writes,
      name: 'aegis.file.delete',
      description: 'Delete a file of a volume, or a folder with all that is in it.',
      tags: ['destructive'],
      sideEffect: 'irreversible',
      arguments: { volume_id: volumeId, path },
      run: async (run) => ({
        status: 'deleted',
        path: `/${await filesOf(run).remove(await volumeOf(run), String(run.args.path))}`,
      }),
    },
    {
      ...writes,
      name: 'aegis.file.mkdir',
      description: 'Make a folder in a volume, with those above it.',
      isIdempotent: true,
      arguments: { volume_id: volumeId, path },
      run: async (run) => {
        const folder = await filesOf(run).mkdir(await volumeOf(run), String(run.args.path))
        return { status: 'created', path: `/${folder.path}` }
      },
    },
    {
      ...reads,
      name: 'aegis.attachment.read',
      description: 'Read a file that came with the task. At most the first 10 MiB.',
      arguments: { volume_id: text('Id of the volume, or chat-attachments.'), path },
      run: async (run) => {
        const named = String(run.args.volume_id)
        const volume =
          named === ATTACHMENTS ? await volumes().resolve(run.caller.principal, named) : await volumeOf(run)
        return readIn(filesOf(run), volume, String(run.args.path))
      },
    },
  ]
}

async function* inOne(bytes: Buffer): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes
}

const shown = (volume: Volume) => ({
  id: volume.id,
  label: volume.label,
  status: volume.isAttached ? 'attached' : 'available',
  size_limit_bytes: volume.sizeLimit,
  used_bytes: volume.usedBytes,
  created_at: toWireTime(volume.createdAt),
})
