import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type AegisClient, parseSize, type Volume } from '@lictor/aegis'
import { Command, InvalidArgumentError } from 'commander'
import { runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { present, type Terminal, table } from '../terminal/terminal.ts'

const MIB = 1024 ** 2
const UNLIMITED = Number.MAX_SAFE_INTEGER

function bytesOf(text: string): number {
  const bytes = parseSize(text)
  if (bytes === undefined || bytes <= 0) throw new InvalidArgumentError('It takes a size such as 500Mi or 10Gi.')
  return bytes
}

/** `lictor volume …`: files that outlive an execution. */
export function volumeCommand({ terminal, settings, connect }: Context): Command {
  const volume = new Command('volume').description('keep files that outlive an execution')
  const fileOn = (path: string) => resolve(terminal.workingDirectory, path)

  const create = volume
    .command('create')
    .description('make a volume')
    .argument('<name>')
    .option('--size <size>', 'what its files may have together, such as 10Gi', bytesOf)
  create.action(async (name: string, { size }: { size?: number }) => {
    const made = await runtimeClient(await connect(create)).createVolume({
      label: name,
      ...(size === undefined ? {} : { size_limit_bytes: size }),
    })
    present(terminal, settings(create).output, made, () => [
      `Made ${made.label}, for ${readable(made.size_limit_bytes)}.`,
      `Put a file in it: lictor volume put ${name} FILE`,
    ])
  })

  const list = volume
    .command('ls', { isDefault: true })
    .alias('list')
    .description('list volumes, or what is in a folder of one')
    .argument('[volume]', 'name or id')
    .argument('[folder]', 'path in the volume')
  list.action(async (named: string | undefined, folder: string | undefined) => {
    const client = runtimeClient(await connect(list))
    const { output } = settings(list)
    if (named === undefined) {
      const { volumes } = await client.listVolumes()
      return present(terminal, output, volumes, () =>
        volumes.length === 0
          ? 'No volumes yet. Make one: lictor volume create NAME'
          : table(
              ['NAME', 'USED', 'LIMIT', 'STATUS', 'ID'],
              volumes.map((one) => [
                one.label,
                readable(one.used_bytes),
                readable(one.size_limit_bytes),
                one.status,
                one.id,
              ]),
            ),
      )
    }
    const { entries } = await client.listFiles(await idOf(client, named), folder)
    present(terminal, output, entries, () =>
      entries.length === 0
        ? 'Nothing is there.'
        : table(
            ['NAME', 'SIZE', 'CHANGED'],
            entries.map((one) => [
              one.type === 'dir' ? `${one.name}/` : one.name,
              one.type === 'dir' ? '' : readable(one.size_bytes ?? 0),
              one.modified_at ?? '',
            ]),
          ),
    )
  })

  const put = volume
    .command('put')
    .description('upload a file, in the place of one of the same path')
    .argument('<volume>', 'name or id; chat-attachments is your own for conversations')
    .argument('<file>')
    .argument('[path]', 'where it goes; one that ends in / is a folder (default: the name of the file)')
  put.action(async (named: string, file: string, at: string | undefined) => {
    const source = fileOn(file)
    const found = await stat(source).catch(() => null)
    if (!found?.isFile()) throw new CliError('no_file', `'${file}' is not a file.`)
    const client = runtimeClient(await connect(put))
    const progress = progressOf(terminal, found.size)
    const kept = await client.uploadFile(await idOf(client, named), { path: source }, at ?? basename(source), progress)
    present(
      terminal,
      settings(put).output,
      kept,
      () => `Kept ${kept.path}, ${readable(kept.size)}, sha256 ${kept.sha256.slice(0, 12)}….`,
    )
  })

  const get = volume
    .command('get')
    .description('download a file')
    .argument('<volume>', 'name or id')
    .argument('<path>', 'path in the volume')
    .argument('[file]', 'where it goes (default: its name, here)')
    .option('--force', 'replace a file that is there')
  get.action(async (named: string, path: string, to: string | undefined, { force }: { force?: true }) => {
    const client = runtimeClient(await connect(get))
    const target = fileOn(to ?? basename(path))
    if (!force && (await stat(target).catch(() => null)))
      throw new CliError('file_exists', `'${target}' is there already.`, { hint: 'Replace it with --force.' })
    const content = await client.streamFile(await idOf(client, named), path)
    // Under another name until all of it is there.
    const draft = join(dirname(target), `.${basename(target)}.part`)
    await mkdir(dirname(target), { recursive: true })
    try {
      await pipeline(Readable.fromWeb(content as Parameters<typeof Readable.fromWeb>[0]), createWriteStream(draft))
      await rename(draft, target)
    } catch (error) {
      await rm(draft, { force: true })
      throw error
    }
    const { size } = await stat(target)
    present(terminal, settings(get).output, { path, file: target, size }, () => `Wrote ${target}, ${readable(size)}.`)
  })

  const remove = volume
    .command('rm')
    .description('delete a file or folder of a volume, or the volume with all that is in it')
    .argument('<volume>', 'name or id')
    .argument('[path]', 'path in the volume; without one the volume itself goes')
  remove.action(async (named: string, path: string | undefined) => {
    const client = runtimeClient(await connect(remove))
    const id = await idOf(client, named)
    const answer = path === undefined ? await client.deleteVolume(id) : await client.deletePath(id, path)
    present(
      terminal,
      settings(remove).output,
      answer,
      () => `Deleted ${path === undefined ? named : `${path} of ${named}`}.`,
    )
  })

  const quota = volume.command('quota').description('what volumes may hold, and do')
  quota.action(async () => {
    const told = await runtimeClient(await connect(quota)).getVolumeQuota()
    present(terminal, settings(quota).output, told, () => [
      `${readable(told.used_bytes)} used of ${readable(told.quota_bytes)}`,
      `${told.volume_count} of ${told.volume_limit === UNLIMITED ? 'any number of' : told.volume_limit} volumes`,
      `largest file: ${readable(told.max_file_size_bytes ?? UNLIMITED)}`,
    ])
  })
  return volume
}

/** The id of a volume named by id, by name, or reserved. @throws CliError when there is none. */
async function idOf(client: AegisClient, named: string): Promise<string> {
  if (named === 'chat-attachments' || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(named)) return named
  const { volumes } = await client.listVolumes()
  const found = volumes.find((one: Volume) => one.label === named)
  if (found) return found.id
  throw new CliError('unknown_volume', `There is no volume '${named}'.`, {
    hint: 'See `lictor volume ls`, or make it: lictor volume create NAME',
  })
}

/** A line for every tenth of a large file; none for one that is gone at once. */
function progressOf(terminal: Terminal, size: number): { onProgress?: (sent: number) => void } {
  if (size < 8 * MIB) return {}
  let told = 0
  return {
    onProgress(sent) {
      const tenth = Math.floor((sent / size) * 10)
      if (tenth <= told) return
      told = tenth
      terminal.note(`${readable(sent)} of ${readable(size)} (${Math.min(100, Math.round((sent / size) * 100))} %)`)
    },
  }
}

function readable(bytes: number): string {
  if (bytes >= UNLIMITED) return 'no limit'
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}
