import { isGateCommand } from './command.ts'
import {
  type Edit,
  isList,
  isObject,
  type JsonPath,
  partOf,
  readSettingsFile,
  type SettingsFile,
  writeSettingsFile,
} from './settings-file.ts'

/** Where and how a program keeps the hooks that it runs before a tool. */
export interface EntryForm {
  /** The list of hooks, or of groups of hooks. */
  readonly list: JsonPath
  /** What the whole member of the list is, for one command. */
  readonly member: (command: string) => Readonly<Record<string, unknown>>
  /** Keys that the file must have beside. */
  readonly beside?: Readonly<Record<string, unknown>>
}

export type Change = 'added' | 'renewed' | 'unchanged' | 'removed' | 'none' | 'no-file'

/** Puts the entry in, or renews ours where it differs. Hooks of others, their order and every other key stay. */
export function addEntry(path: string, form: EntryForm, command: string): Change {
  const file = readSettingsFile(path)
  const members = membersOf(file, form)
  const member = form.member(command)
  const ours = members.flatMap((one, index) => (isOurs(one) ? [index] : []))
  const [first] = ours
  const edits: Edit[] = Object.entries(form.beside ?? {})
    .filter(([key]) => file.value[key] === undefined)
    .map(([key, value]) => ({ path: [key], value }))
  if (first === undefined) {
    edits.push(
      members.length === 0
        ? { path: form.list, value: [member] }
        : { path: [...form.list, members.length], value: member, isInsertion: true },
    )
  } else if (
    ours.length === 1 &&
    hasOnlyOurs(members[first]) &&
    JSON.stringify(members[first]) === JSON.stringify(member)
  ) {
    writeSettingsFile(file, edits)
    return edits.length === 0 ? 'unchanged' : 'renewed'
  } else {
    edits.push(...removals(members, form), {
      path: [...form.list, members.length - lost(members)],
      value: member,
      isInsertion: true,
    })
  }
  writeSettingsFile(file, edits)
  return first === undefined ? 'added' : 'renewed'
}

/** Takes ours out, and what was only there for it. */
export function removeEntry(path: string, form: EntryForm): Change {
  const file = readSettingsFile(path)
  if (file.text === null) return 'no-file'
  const members = membersOf(file, form)
  const edits = removals(members, form)
  if (edits.length === 0) return 'none'
  if (lost(members) === members.length) {
    // The list and what holds it go, up to what has something else in it.
    let depth = form.list.length
    while (depth > 1 && Object.keys(partOf(file, form.list.slice(0, depth - 1), isObject, 'object') ?? {}).length === 1)
      depth--
    edits.push({ path: form.list.slice(0, depth), value: undefined })
  }
  writeSettingsFile(file, edits)
  return 'removed'
}

/** The lines of a shell that our entries in this file run. */
export function entriesIn(path: string, form: EntryForm): readonly string[] {
  return membersOf(readSettingsFile(path), form).flatMap((member) => commandsOf(member).filter(isGateCommand))
}

function membersOf(file: SettingsFile, form: EntryForm): readonly unknown[] {
  for (let depth = 1; depth < form.list.length; depth++) partOf(file, form.list.slice(0, depth), isObject, 'object')
  return partOf(file, form.list, isList, 'list') ?? []
}

/** A member is a hook, or a group of them. */
const hooksOf = (member: unknown): readonly unknown[] | null =>
  isObject(member) && Array.isArray(member.hooks) ? (member.hooks as unknown[]) : null

function commandsOf(member: unknown): readonly string[] {
  const hooks = hooksOf(member) ?? [member]
  return hooks
    .flatMap((hook) => (isObject(hook) ? [hook.command, hook.bash] : []))
    .filter((line) => typeof line === 'string')
}

const isOurs = (member: unknown): boolean => commandsOf(member).some(isGateCommand)

/** A group may hold hooks of others beside ours: they stay. */
function hasOnlyOurs(member: unknown): boolean {
  const hooks = hooksOf(member)
  return hooks === null ? isOurs(member) : hooks.every(isOurs)
}

/** From the end to the beginning, so that each place is still the one it was. */
function removals(members: readonly unknown[], form: EntryForm): Edit[] {
  return members
    .flatMap((member, index): Edit[] => {
      if (!isOurs(member)) return []
      const place = [...form.list, index]
      if (hasOnlyOurs(member)) return [{ path: place, value: undefined }]
      return (hooksOf(member) ?? [])
        .flatMap((hook, at): Edit[] => (isOurs(hook) ? [{ path: [...place, 'hooks', at], value: undefined }] : []))
        .reverse()
    })
    .reverse()
}

const lost = (members: readonly unknown[]): number =>
  members.filter((member) => isOurs(member) && hasOnlyOurs(member)).length
