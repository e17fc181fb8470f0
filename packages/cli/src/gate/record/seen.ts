import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type GatePlace, gateFolder } from '../place.ts'

/** When an assistant last asked, and what it was told. */
export interface Seen {
  readonly at: string
  readonly tool: string | null
  readonly verdict: 'allow' | 'deny'
}

export const seenPath = (place: GatePlace, assistant: string): string =>
  join(gateFolder(place), 'seen', `${assistant}.json`)

/** Null for an assistant that never called. */
export function readSeen(place: GatePlace, assistant: string): Seen | null {
  try {
    return JSON.parse(readFileSync(seenPath(place, assistant), 'utf8')) as Seen
  } catch {
    return null
  }
}
