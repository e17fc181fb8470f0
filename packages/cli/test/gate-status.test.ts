import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { install } from '../src/gate/install/install.ts'
import type { Places } from '../src/gate/install/places.ts'
import type { Installable } from '../src/gate/install/targets.ts'
import { type AssistantStatus, gateStatus } from '../src/gate/status.ts'
import { createGateBench, type GateBench, gateBundle } from './gate-bench.ts'

let gate: GateBench
let places: Places
beforeEach(() => {
  gate = createGateBench(gateBundle([]))
  places = { home: gate.home, environment: {}, project: gate.work, etc: join(gate.home, 'etc') }
})
afterEach(() => gate.close())

/** The entry alone matters here: that it works is proven elsewhere. */
const add = (assistant: Installable) =>
  install(assistant, { places, program: { node: '/bin/true', script: '/lictor.js' }, seconds: 600, isManaged: false })
const put = (path: string, value: unknown) => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value))
}
async function statusOf(assistant: Installable): Promise<AssistantStatus> {
  const found = (await gateStatus(places)).assistants.find((one) => one.assistant === assistant)
  if (found === undefined) throw new Error(`there is no ${assistant}`)
  return found
}

describe('an installed gate', () => {
  test.each([
    [
      'claude-code',
      'work/.claude/settings.json',
      { disableAllHooks: true },
      /'disableAllHooks' switches every hook off/,
    ],
    [
      'claude-code',
      'home/etc/claude-code/managed-settings.json',
      { allowManagedHooksOnly: true },
      /administrators alone/,
    ],
    ['gemini', 'work/.gemini/settings.json', { hooksConfig: { enabled: false } }, /'hooksConfig.enabled' is false/],
    ['gemini', 'home/etc/gemini-cli/settings.json', { hooksConfig: { disabled: ['lictor-gate'] } }, /names the gate/],
    ['qwen', 'work/.qwen/settings.json', { disableAllHooks: true }, /switches every hook off/],
    ['codex', 'home/.codex/config.toml', '[features]\nhooks = false\n', /the feature 'hooks' is off/],
    ['claude-code', 'work/.claude/settings.local.json', '{ oops', /line 1, column 3: .*may read none of it/],
  ] as const)('of %s that %s switches off is said to be off, and where', async (assistant, file, value, told) => {
    add(assistant)
    expect((await statusOf(assistant)).off).toEqual([])
    put(join(gate.home, '..', file), value)
    const { installed, off } = await statusOf(assistant)
    expect(installed).toHaveLength(1)
    expect(off).toEqual([expect.stringMatching(told)])
    expect(off[0]).toContain(file.replace(/^(home|work)\//, ''))
  })

  test('is shown with the time of its last call', async () => {
    add('claude-code')
    expect((await statusOf('claude-code')).lastCall).toBe(null)
    await gate.run([], JSON.stringify({ cwd: gate.work, tool_name: 'Bash', tool_input: { command: 'ls' } }))
    const { lastCall } = await statusOf('claude-code')
    expect(lastCall).toMatchObject({ verdict: 'allow', tool: 'Bash' })
    expect(Date.parse(lastCall?.at ?? '')).toBeLessThanOrEqual(Date.now())
  })
})

test('contracts that a gate cannot hold are named', async () => {
  gate.write(
    '.lictor/contracts/base.yaml',
    gateBundle([
      '{id: out, type: post, tool: Bash, when: {output.text: {contains: x}}, then: {effect: warn, message: out}}',
      '{id: few, type: session, limits: {max_tool_calls: 3}, then: {effect: deny, message: few}}',
    ]),
  )
  const { notHeld, contracts } = await gateStatus(places)
  expect(notHeld).toEqual([expect.stringContaining('out'), expect.stringContaining('few')])
  expect(contracts).toEqual([expect.objectContaining({ count: 2, problem: null })])
})

test('contracts and settings that cannot be read are told', async () => {
  gate.write('.lictor/contracts/base.yaml', 'contracts: [')
  expect((await gateStatus(places)).contracts[0]?.problem).toContain('base.yaml')
  gate.write('.lictor/gate.yaml', 'contract: []\n')
  expect((await gateStatus(places)).settings.problem).toContain("'contract' is not a setting")
})

test('a pipe in the place of a file of contracts is refused instead of waited for', async () => {
  const { execFileSync } = await import('node:child_process')
  execFileSync('mkfifo', [join(gate.home, 'pipe')])
  gate.write('.lictor/gate.yaml', 'contracts: [~/pipe]\n')
  const ran = await gate.run([], JSON.stringify({ cwd: gate.work, tool_name: 'Bash', tool_input: { command: 'ls' } }))
  expect(ran.code).toBe(2)
  expect(ran.err).toContain('is no file')
})
