import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { CliError } from '../../errors.ts'
import type { AssistantName } from '../assistants/assistant.ts'
import { hookCommand, type Program } from './command.ts'
import { addEntry, type Change, type EntryForm, entriesIn, removeEntry } from './entries.ts'
import { readIfThere, replaceFile } from './file.ts'
import { claudeFolder, codexFolder, copilotFolder, type Places } from './places.ts'
import { clineHook, copilotHooks, isOurCopilotFile, isOurFile, openCodePlugin } from './plugins.ts'

export type Installable = Exclude<AssistantName, 'raw'>

/** Where the gate stands in one program's settings. */
export interface Target {
  readonly path: string
  install(program: Program, seconds: number): Change
  uninstall(): Change
  /** Whether the gate stands there. @throws CliError for a file that cannot be read */
  isInstalled(): boolean
}

export interface AssistantTargets {
  readonly user: (places: Places) => Target
  /** The file that administrators write, which users cannot override. */
  readonly managed?: (places: Places) => Target
  /** What the user must still do, or should know, after an installation. */
  readonly afterwards?: string
}

/** A group of hooks for the tools that a pattern names; an empty one names all of them. */
const grouped =
  (event: string, matcher: string, hook: (command: string, seconds: number) => Readonly<Record<string, unknown>>) =>
  (seconds: number): EntryForm => ({
    list: ['hooks', event],
    member: (command) => ({ matcher, hooks: [hook(command, seconds)] }),
  })

const inSeconds = (command: string, seconds: number) => ({ type: 'command', command, timeout: seconds })
const claudeForm = grouped('PreToolUse', '', inSeconds)
const codexForm = grouped('PreToolUse', '', inSeconds)
const geminiForm = grouped('BeforeTool', '*', (command, seconds) => ({
  name: 'lictor-gate',
  type: 'command',
  command,
  timeout: seconds * 1000,
}))
/** From 1000 up it takes the number for milliseconds. */
const qwenForm = grouped('PreToolUse', '', (command, seconds) => ({
  name: 'lictor-gate',
  type: 'command',
  command,
  timeout: seconds < 1000 ? seconds : seconds * 1000,
}))
const cursorForm = (seconds: number): EntryForm => ({
  list: ['hooks', 'preToolUse'],
  member: (command) => ({ command, timeout: seconds, failClosed: true }),
  beside: { version: 1 },
})

const inSettings = (assistant: Installable, path: string, form: (seconds: number) => EntryForm): Target => ({
  path,
  install: (program, seconds) => addEntry(path, form(seconds), hookCommand(program, assistant, seconds)),
  uninstall: () => removeEntry(path, form(1)),
  isInstalled: () => entriesIn(path, form(1)).length > 0,
})

/** Its entry names no time-out, and how long it waits is not written anywhere. */
const CLINE_SECONDS = 30

/** A file that is ours alone. One of somebody else at its place is never touched. */
const asFile = (
  path: string,
  mode: number,
  isOurs: (text: string) => boolean,
  textOf: (program: Program, seconds: number) => string,
): Target => ({
  path,
  install(program, seconds) {
    const there = readIfThere(path)
    const text = textOf(program, seconds)
    if (there === text) return 'unchanged'
    if (there !== null && !isOurs(there))
      throw new CliError('taken', `${path} is there and is not of the gate. Nothing was changed.`, {
        hint: 'Move it away, or call `lictor gate check` from it.',
      })
    replaceFile(path, text, mode)
    return there === null ? 'added' : 'renewed'
  },
  uninstall() {
    const there = readIfThere(path)
    if (there === null) return 'no-file'
    if (!isOurs(there)) return 'none'
    rmSync(path)
    return 'removed'
  },
  isInstalled() {
    const there = readIfThere(path)
    return there !== null && isOurs(there)
  },
})

export const targets: Readonly<Record<Installable, AssistantTargets>> = {
  'claude-code': {
    user: (places) => inSettings('claude-code', join(claudeFolder(places), 'settings.json'), claudeForm),
    managed: ({ etc }) => inSettings('claude-code', join(etc, 'claude-code', 'managed-settings.json'), claudeForm),
  },
  codex: {
    user: (places) => inSettings('codex', join(codexFolder(places), 'hooks.json'), codexForm),
    afterwards:
      'Codex runs the hook once you have trusted it: start `codex`, type /hooks, and accept it. Nobody else can do that for you.',
  },
  cursor: { user: ({ home }) => inSettings('cursor', join(home, '.cursor', 'hooks.json'), cursorForm) },
  copilot: {
    user: (places) =>
      asFile(join(copilotFolder(places), 'hooks', 'lictor-gate.json'), 0o600, isOurCopilotFile, (program, seconds) =>
        copilotHooks(hookCommand(program, 'copilot', seconds), seconds),
      ),
  },
  gemini: {
    user: ({ home }) => inSettings('gemini', join(home, '.gemini', 'settings.json'), geminiForm),
    managed: ({ etc }) => inSettings('gemini', join(etc, 'gemini-cli', 'settings.json'), geminiForm),
  },
  opencode: {
    user: ({ home, environment }) =>
      asFile(
        join(environment.XDG_CONFIG_HOME || join(home, '.config'), 'opencode', 'plugins', 'lictor-gate.js'),
        0o600,
        isOurFile,
        openCodePlugin,
      ),
  },
  qwen: { user: ({ home }) => inSettings('qwen', join(home, '.qwen', 'settings.json'), qwenForm) },
  cline: {
    user: ({ home }) =>
      asFile(join(home, '.cline', 'hooks', 'PreToolUse'), 0o700, isOurFile, (program, seconds) =>
        clineHook(program, Math.min(seconds, CLINE_SECONDS)),
      ),
  },
}

export const INSTALLABLE = Object.keys(targets) as readonly Installable[]
export const isInstallable = (name: string): name is Installable => Object.hasOwn(targets, name)
