import type { ListedSecret, SecretFields, SecretStore } from '../../ports/secrets.ts'
import { createOpenBaoSession, type OpenBaoAccess, type OpenBaoAnswer } from './openbao-session.ts'

/** How this server keeps secrets in an OpenBao or Vault: a KV engine of version 2. */
export interface OpenBaoOptions extends OpenBaoAccess {
  /** Where the engine is mounted, for example `secret`. */
  readonly mount: string
  /** First segments of every path, so that one engine may hold other people's secrets too. */
  readonly prefix: string
}

interface VersionFacts {
  readonly created_time: string
  readonly deletion_time: string
  readonly destroyed: boolean
  readonly version: number
}
interface ReadBody {
  readonly data?: { readonly data: SecretFields | null; readonly metadata: VersionFacts } | null
}
interface MetadataBody {
  readonly data: {
    readonly created_time: string
    readonly updated_time: string
    readonly current_version: number
    readonly versions: Readonly<Record<string, Omit<VersionFacts, 'version'>>>
  }
}

/** Listings that are asked for at once. */
const AT_ONCE = 8

/** Secrets in OpenBao or Vault (KV version 2) over its HTTP API. Nothing is kept here: each read asks the server. */
export function createOpenBaoSecrets(options: OpenBaoOptions): SecretStore {
  const session = createOpenBaoSession(options)
  const place = (kind: 'data' | 'metadata' | 'destroy', tenantId: string, path: string): string =>
    ['v1', options.mount, kind, options.prefix, tenantId, path]
      .filter((part) => part !== '')
      .map((part) => part.split('/').map(encodeURIComponent).join('/'))
      .join('/')

  /** A 404 without a sentence says that there is nothing; one with a sentence says that the engine is not there. */
  function isNothing(answer: OpenBaoAnswer): boolean {
    return answer.status === 404 && answer.errors.length === 0
  }

  async function metadataOf(tenantId: string, path: string): Promise<MetadataBody['data'] | null> {
    const answer = await session.request('GET', place('metadata', tenantId, path))
    if (isNothing(answer)) return null
    return (required(answer) as unknown as MetadataBody).data
  }

  function required(answer: OpenBaoAnswer): Readonly<Record<string, unknown>> {
    if (answer.status === 200 || answer.status === 204) return answer.body
    throw session.refusal(answer)
  }

  /** Every path below a folder, folder by folder. */
  async function pathsBelow(tenantId: string, folder: string): Promise<string[]> {
    const answer = await session.request('GET', `${place('metadata', tenantId, folder)}?list=true`)
    if (isNothing(answer)) return []
    const { keys } = required(answer).data as { readonly keys: readonly string[] }
    const found: string[] = []
    for (const key of keys) {
      const path = folder === '' ? key : `${folder}/${key}`
      if (key.endsWith('/')) found.push(...(await pathsBelow(tenantId, path.slice(0, -1))))
      else found.push(path)
    }
    return found
  }

  return {
    async read({ tenantId }, path, version) {
      const query = version === undefined ? '' : `?version=${version}`
      const answer = await session.request('GET', place('data', tenantId, path) + query)
      const { data } = answer.body as ReadBody
      // Deleted and destroyed are answered 404 as missing is; only the body tells them apart.
      if (answer.status === 404 && data?.metadata) {
        const { metadata } = data
        return { state: metadata.destroyed ? 'destroyed' : 'deleted', version: metadata.version }
      }
      if (isNothing(answer)) return { state: 'missing' }
      required(answer)
      if (!data?.data) throw session.refusal(answer)
      return {
        state: 'live',
        version: data.metadata.version,
        createdAt: microsOf(data.metadata.created_time),
        fields: textsOf(data.data),
      }
    },

    async write({ tenantId }, path, fields, after) {
      const answer = await session.request('POST', place('data', tenantId, path), {
        data: fields,
        ...(after === undefined ? {} : { options: { cas: after } }),
      })
      if (answer.status === 400 && answer.errors.some((text) => text.includes('check-and-set'))) return null
      const { data } = required(answer) as unknown as { readonly data: VersionFacts }
      return { version: data.version, createdAt: microsOf(data.created_time), state: 'live' }
    },

    async versions({ tenantId }, path) {
      const metadata = await metadataOf(tenantId, path)
      return Object.entries(metadata?.versions ?? {})
        .map(([number, facts]) => ({
          version: Number(number),
          createdAt: microsOf(facts.created_time),
          state: stateOf(facts),
        }))
        .sort((one, other) => other.version - one.version)
    },

    async destroy({ tenantId }, path, version) {
      const metadata = await metadataOf(tenantId, path)
      if (metadata?.versions[String(version)] === undefined) return false
      required(await session.request('POST', place('destroy', tenantId, path), { versions: [version] }))
      return true
    },

    async remove({ tenantId }, path) {
      if ((await metadataOf(tenantId, path)) === null) return false
      required(await session.request('DELETE', place('metadata', tenantId, path)))
      return true
    },

    async list({ tenantId }, prefix) {
      // Folders are whole segments, a prefix may end within one.
      const folder = prefix.slice(0, Math.max(prefix.lastIndexOf('/'), 0))
      const paths = (await pathsBelow(tenantId, folder)).filter((path) => path.startsWith(prefix))
      const listed: ListedSecret[] = []
      for (let start = 0; start < paths.length; start += AT_ONCE) {
        const found = await Promise.all(
          paths.slice(start, start + AT_ONCE).map(async (path) => ({ path, facts: await metadataOf(tenantId, path) })),
        )
        for (const { path, facts } of found) {
          const newest = facts?.versions[String(facts.current_version)]
          if (!facts || !newest || stateOf(newest) !== 'live') continue
          listed.push({
            path,
            version: facts.current_version,
            createdAt: microsOf(facts.created_time),
            updatedAt: microsOf(facts.updated_time),
          })
        }
      }
      return listed.sort((one, other) => (one.path < other.path ? -1 : 1))
    },
  }
}

const stateOf = ({ destroyed, deletion_time }: Omit<VersionFacts, 'version'>): 'live' | 'deleted' | 'destroyed' =>
  destroyed ? 'destroyed' : deletion_time === '' ? 'live' : 'deleted'

/** Nanoseconds are cut to microseconds. */
function microsOf(time: string): number {
  const [, seconds = '', fraction = ''] = /^(.*?\d\d:\d\d:\d\d)(?:\.(\d+))?/.exec(time) ?? []
  return Date.parse(`${seconds}Z`) * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6))
}

/** Somebody else may have written what is no text: as JSON text, so that nothing is lost that the store had not lost before. */
const textsOf = (data: Readonly<Record<string, unknown>>): SecretFields =>
  Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
