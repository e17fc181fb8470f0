import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type GatePlace, gateFolder } from '../place.ts'
import { readIfThere, replaceFile } from './file.ts'

interface Kept {
  readonly path: string
  /** Null where there was no file. */
  readonly before: string | null
  readonly after: string
}

const keptPath = (place: GatePlace, name: string): string => join(gateFolder(place), 'undo', `${name}.json`)

/** Remembers what a file held before an installation, so that taking it back can leave exactly that. */
export function rememberBefore(place: GatePlace, name: string, path: string, before: string | null): void {
  const after = readIfThere(path)
  if (after === null || after === before) return
  const kept: Kept = { path, before: earlier(place, name, path, before), after }
  replaceFile(keptPath(place, name), `${JSON.stringify(kept)}\n`, 0o600)
}

/** What was there before the first of several installations, where nobody else wrote between them. */
function earlier(place: GatePlace, name: string, path: string, before: string | null): string | null {
  const kept = read(place, name)
  return kept !== null && kept.path === path && kept.after === before ? kept.before : before
}

/** Puts back what was there, byte for byte, if the file is still as the installation left it. */
export function restoreBefore(place: GatePlace, name: string, path: string): boolean {
  const kept = read(place, name)
  if (kept === null || kept.path !== path || readIfThere(path) !== kept.after) return false
  if (kept.before === null) rmSync(path)
  else replaceFile(path, kept.before, 0o600)
  rmSync(keptPath(place, name), { force: true })
  return true
}

function read(place: GatePlace, name: string): Kept | null {
  const text = readIfThere(keptPath(place, name))
  if (text === null) return null
  try {
    return JSON.parse(text) as Kept
  } catch {
    return null
  }
}
