import { existsSync } from 'node:fs'
import { CliError } from '../../errors.ts'
import { settingsPath } from '../place.ts'
import { expanded, readSettings } from '../settings.ts'
import type { Program } from './command.ts'
import type { Change } from './entries.ts'
import { readIfThere } from './file.ts'
import type { Places } from './places.ts'
import { type Proof, proveRefusal } from './proof.ts'
import { type Installable, type Target, targets } from './targets.ts'
import { rememberBefore, restoreBefore } from './undo.ts'

export interface Installation {
  readonly assistant: Installable
  readonly path: string
  readonly change: Extract<Change, 'added' | 'renewed' | 'unchanged'>
  readonly proof: Proof
  readonly hasContracts: boolean
  readonly afterwards: string | null
}

interface Where {
  readonly places: Places
  readonly isManaged: boolean
}

/** Puts the gate in front of an assistant. What is not ours in its settings stays; a file that is malformed is refused. */
export function install(
  assistant: Installable,
  { places, isManaged, program, seconds }: Where & { readonly program: Program; readonly seconds: number },
): Installation {
  const target = targetOf(assistant, places, isManaged)
  const before = readIfThere(target.path)
  const change = target.install(program, seconds)
  // What was written is read again as the assistant will read it: one value that is wrong may cost all hooks.
  if (!target.isInstalled())
    throw new CliError('not_installed', `${target.path} was written, and the gate is not in it.`)
  rememberBefore(places, undoName(assistant, isManaged), target.path, before)
  return {
    assistant,
    path: target.path,
    change: change as Installation['change'],
    proof: proveRefusal(assistant, program, seconds),
    hasContracts: hasContracts(places),
    afterwards: targets[assistant].afterwards ?? null,
  }
}

export function uninstall(
  assistant: Installable,
  { places, isManaged }: Where,
): { readonly path: string; readonly change: Change } {
  const target = targetOf(assistant, places, isManaged)
  if (restoreBefore(places, undoName(assistant, isManaged), target.path))
    return { path: target.path, change: 'removed' }
  return { path: target.path, change: target.uninstall() }
}

const undoName = (assistant: Installable, isManaged: boolean): string =>
  isManaged ? `${assistant}.managed` : assistant

function targetOf(assistant: Installable, places: Places, isManaged: boolean): Target {
  const { user, managed } = targets[assistant]
  if (!isManaged) return user(places)
  if (managed === undefined)
    throw new CliError('usage', `${assistant} has no settings of administrators that the gate can be put into.`, {
      exitCode: 2,
    })
  return managed(places)
}

function hasContracts(places: Places): boolean {
  return readSettings(readIfThere(settingsPath(places)), places).contracts.some((path) =>
    existsSync(expanded(path, places)),
  )
}
