import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isGateCommand, type Program } from '../src/gate/install/command.ts'
import { install, uninstall } from '../src/gate/install/install.ts'
import type { Places } from '../src/gate/install/places.ts'
import { INSTALLABLE, type Installable } from '../src/gate/install/targets.ts'
import { createGateBench, type GateBench, gateBundle } from './gate-bench.ts'

/** A program that answers as the gate does: starting the real one nine times over would take a minute. */
let gate: GateBench
let places: Places
let program: Program
beforeEach(() => {
  gate = createGateBench(gateBundle([]))
  places = { home: gate.home, environment: {}, project: gate.work, etc: join(gate.home, 'etc') }
  const script = join(gate.home, 'lictor.mjs')
  const entry = new URL('../src/gate/check/entry.ts', import.meta.url).href
  writeFileSync(script, `process.env.HOME = ${JSON.stringify(gate.home)}\nawait import(${JSON.stringify(entry)})\n`)
  program = { node: nodeWithSource(gate.home), script }
})
afterEach(() => gate.close())

function nodeWithSource(folder: string): string {
  const path = join(folder, 'node')
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' --conditions=@lictor/source "$@"\n`, { mode: 0o755 })
  return path
}

const add = (assistant: Installable, isManaged = false) =>
  install(assistant, { places, program, seconds: 600, isManaged })
const remove = (assistant: Installable, isManaged = false) => uninstall(assistant, { places, isManaged })
const put = (path: string, text: string, mode = 0o644) => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  chmodSync(path, mode)
}

describe.each(INSTALLABLE)('%s', (assistant) => {
  test('an installation ends with a refusal that came back, and is taken back without a trace', () => {
    const done = add(assistant)
    expect(done).toMatchObject({ change: 'added', proof: { isProven: true } })
    expect(statSync(done.path).mode & 0o077).toBe(0)
    expect(add(assistant).change).toBe('unchanged')
    expect(remove(assistant)).toEqual({ path: done.path, change: 'removed' })
    expect(existsSync(done.path)).toBe(false)
    expect(remove(assistant).change).toBe('no-file')
  })
})

const SETTINGS = {
  'claude-code': '.claude/settings.json',
  codex: '.codex/hooks.json',
  cursor: '.cursor/hooks.json',
  gemini: '.gemini/settings.json',
  qwen: '.qwen/settings.json',
} as const

describe.each(Object.entries(SETTINGS) as [keyof typeof SETTINGS, string][])(
  'the settings of %s',
  (assistant, file) => {
    const events = {
      'claude-code': 'PreToolUse',
      codex: 'PreToolUse',
      cursor: 'preToolUse',
      gemini: 'BeforeTool',
      qwen: 'PreToolUse',
    }
    const event = events[assistant]
    const foreign = `{ "matcher": "Edit", "hooks": [{ "type": "command", "command": "mine.sh" }] }`
    const text = `// kept by hand\n{\n\t"zeta": 1,\n\t"hooks": {\n\t\t"${event}": [ ${foreign} ], // ours first\n\t\t"Stop": []\n\t},\n\t/* the last */ "alpha": [1,2,],\n\t"version": 1\n}\n`

    test('keep comments, order, unknown keys, the hooks of others and their mode', () => {
      const path = join(gate.home, file)
      put(path, text, 0o600)
      add(assistant)
      const after = readFileSync(path, 'utf8')
      for (const part of [
        '// kept by hand',
        '// ours first',
        '/* the last */ "alpha": [1,2,]',
        '"command": "mine.sh"',
        '"Stop": []',
      ])
        expect(after).toContain(part)
      expect(after.indexOf('"zeta"')).toBeLessThan(after.indexOf('"alpha"'))
      expect(after.indexOf('mine.sh')).toBeLessThan(after.indexOf('gate check'))
      expect(statSync(path).mode & 0o777).toBe(0o600)
      remove(assistant)
      expect(readFileSync(path, 'utf8')).toBe(text)
    })

    test('that somebody changed meanwhile lose the gate alone', () => {
      const path = join(gate.home, file)
      put(path, text)
      add(assistant)
      writeFileSync(path, readFileSync(path, 'utf8').replace('"zeta": 1', '"zeta": 2'))
      remove(assistant)
      const after = readFileSync(path, 'utf8')
      expect(after).toContain('"zeta": 2')
      expect(after).toContain('mine.sh')
      expect(after).not.toContain('gate check')
    })

    test('that are malformed are told with their place, and not written to', () => {
      const path = join(gate.home, file)
      put(path, '{\n  "hooks": {\n    oops\n')
      expect(() => add(assistant)).toThrow(/, line 3, column 5: .*Nothing was changed/)
      expect(() => remove(assistant)).toThrow(/line 3, column 5/)
      expect(readFileSync(path, 'utf8')).toBe('{\n  "hooks": {\n    oops\n')
      for (const [wrong, told] of [
        ['[]', 'no JSON object'],
        ['{"hooks": []}', "'hooks' is no object"],
        [`{"hooks": {"${event}": {}}}`, `'hooks.${event}' is no list`],
      ] as const) {
        put(path, wrong)
        expect(() => add(assistant)).toThrow(told)
        expect(readFileSync(path, 'utf8')).toBe(wrong)
      }
    })

    test('that are a link stay one', () => {
      const path = join(gate.home, file)
      const real = join(gate.home, 'dotfiles.json')
      put(real, '{}')
      mkdirSync(dirname(path), { recursive: true })
      symlinkSync(real, path)
      add(assistant)
      expect(readFileSync(real, 'utf8')).toContain('gate check')
    })
  },
)

test('the entry of an earlier installation is renewed where it stands among others', () => {
  const path = join(gate.home, '.claude/settings.json')
  const old = "'/old/node' '/old/lictor.js' gate check --format claude-code --timeout 5"
  const group = {
    matcher: 'x',
    hooks: [
      { type: 'command', command: old },
      { type: 'command', command: 'mine.sh' },
    ],
  }
  put(path, JSON.stringify({ hooks: { PreToolUse: [group] } }))
  expect(add('claude-code').change).toBe('renewed')
  const { hooks } = JSON.parse(readFileSync(path, 'utf8')) as {
    hooks: { PreToolUse: { hooks: { command: string }[] }[] }
  }
  const commands = hooks.PreToolUse.flatMap((one) => one.hooks.map(({ command }) => command))
  expect(commands).toHaveLength(2)
  expect(commands.filter(isGateCommand)).toHaveLength(1)
  expect(commands).toContain('mine.sh')
  expect(commands).not.toContain(old)
})

test('each entry tells the program how long to wait in the unit that it counts in', () => {
  const timeouts = INSTALLABLE.filter((name) => name !== 'opencode' && name !== 'cline').map((name) => {
    const text = readFileSync(add(name).path, 'utf8')
    return [name, Number(/"timeout(?:Sec)?": (\d+)/.exec(text)?.[1])]
  })
  expect(Object.fromEntries(timeouts)).toEqual({
    'claude-code': 600,
    codex: 600,
    cursor: 600,
    copilot: 600,
    gemini: 600_000,
    qwen: 600,
  })
})

test('a hook of somebody else at the place of a file of ours is not written over', () => {
  const path = join(gate.home, '.cline/hooks/PreToolUse')
  put(path, '#!/bin/sh\n')
  expect(() => add('cline')).toThrow(/is not of the gate. Nothing was changed/)
  expect(remove('cline').change).toBe('none')
  expect(readFileSync(path, 'utf8')).toBe('#!/bin/sh\n')
})

test('administrators have settings of their own where the program has them', () => {
  expect(add('claude-code', true).path).toBe(join(gate.home, 'etc/claude-code/managed-settings.json'))
  expect(add('gemini', true).path).toBe(join(gate.home, 'etc/gemini-cli/settings.json'))
  expect(() => add('cline', true)).toThrow(/no settings of administrators/)
  expect(remove('claude-code', true).change).toBe('removed')
})
