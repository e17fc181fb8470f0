import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BundleDocument, ContractDocument } from '@lictor/contracts'
import { type GatePlace, gateFolder } from '../place.ts'
import type { GateSettings } from '../settings.ts'
import { bytesOf } from './files.ts'

/** A bundle's file, as it was read. */
export interface Source {
  readonly path: string
  readonly bytes: Uint8Array
}

/** What was read of settings and contracts, with the very bytes it was read of. */
export interface Cached {
  readonly settingsBytes: Uint8Array | null
  readonly settings: GateSettings
  readonly sources: readonly Source[]
  readonly document: BundleDocument
  readonly hash: string
}

/** The first line of the file. Behind it stand the bytes, one after the other. */
interface Head {
  readonly by: string
  readonly home: string
  readonly settingsLength: number | null
  readonly sources: readonly { readonly path: string; readonly length: number }[]
  readonly settings: GateSettings
  readonly document: unknown
  readonly hash: string
}

/** Put in when the package is built; not there in the sources. */
declare const LICTOR_BUILD: string | undefined

/** By what the file was written: another build, or another engine, may read the same bytes otherwise. */
const made = `${typeof LICTOR_BUILD === 'string' ? LICTOR_BUILD : 'source'} ${process.version}`
const pathOf = (place: GatePlace): string => join(gateFolder(place), 'contracts.cache')

/** Null where nothing was kept, or what was kept cannot be used. */
export function readCache(place: GatePlace): Cached | null {
  try {
    const bytes = bytesOf(pathOf(place))
    if (bytes === null) return null
    const end = bytes.indexOf(0x0a)
    const head = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString('utf8')) as Head
    if (head.by !== made || head.home !== place.home) return null
    let at = end + 1
    const take = (length: number): Uint8Array => {
      at += length
      return bytes.subarray(at - length, at)
    }
    const settingsBytes = head.settingsLength === null ? null : take(head.settingsLength)
    const sources = head.sources.map(({ path, length }) => ({ path, bytes: take(length) }))
    return { settingsBytes, settings: head.settings, sources, document: fromJson(head.document), hash: head.hash }
  } catch {
    return null
  }
}

/**
 * Keeps what was read. Whoever cannot keep it reads everything anew each time; so does who has contracts that JSON does not
 * give back as they are.
 * @param isSame whether two documents say the same
 */
export function writeCache(place: GatePlace, cached: Cached, isSame: (a: unknown, b: unknown) => boolean): void {
  const document = toJson(cached.document)
  try {
    if (!isSame(fromJson(JSON.parse(JSON.stringify(document))), cached.document)) return
    const head: Head = {
      by: made,
      home: place.home,
      settingsLength: cached.settingsBytes?.length ?? null,
      sources: cached.sources.map(({ path, bytes }) => ({ path, length: bytes.length })),
      settings: cached.settings,
      document,
      hash: cached.hash,
    }
    mkdirSync(gateFolder(place), { recursive: true, mode: 0o700 })
    const draft = `${pathOf(place)}.${process.pid}`
    const parts = [Buffer.from(`${JSON.stringify(head)}\n`), cached.settingsBytes ?? new Uint8Array()]
    writeFileSync(draft, Buffer.concat([...parts, ...cached.sources.map(({ bytes }) => bytes)]), { mode: 0o600 })
    renameSync(draft, pathOf(place))
  } catch {
    // The contracts hold without it.
  }
}

/** JSON has no maps: they travel as lists of pairs. */
function toJson(document: BundleDocument): unknown {
  const contracts = document.contracts.map((contract) =>
    contract.type === 'session'
      ? { ...contract, limits: { ...contract.limits, maxCallsPerTool: [...contract.limits.maxCallsPerTool] } }
      : contract,
  )
  return { ...document, tools: [...document.tools], contracts }
}

function fromJson(value: unknown): BundleDocument {
  const document = value as BundleDocument
  const contracts = document.contracts.map(
    (contract): ContractDocument =>
      contract.type === 'session'
        ? { ...contract, limits: { ...contract.limits, maxCallsPerTool: new Map(contract.limits.maxCallsPerTool) } }
        : contract,
  )
  return { ...document, tools: new Map(document.tools), contracts }
}
