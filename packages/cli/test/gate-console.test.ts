import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createGateBench, type GateBench, gateBundle } from './gate-bench.ts'
import { type GateConsole, startGateConsole } from './gate-console.ts'

const ASK =
  '{id: ask-touch, type: pre, tool: Bash, when: {args.command: {contains: touch}}, then: {effect: approve, timeout: 300, timeout_effect: allow, message: "touch it?"}}'
const NO_TOUCH =
  '{id: no-touch, type: pre, tool: Bash, when: {args.command: {contains: touch}}, then: {effect: deny, message: no touch}}'

let console: GateConsole
let gate: GateBench
beforeEach(async () => {
  console = await startGateConsole()
  const key = await console.createKey()
  gate = createGateBench(
    gateBundle([ASK]),
    `console: {url: ${JSON.stringify(console.url)}, api_key: ${JSON.stringify(key)}, agent_id: my-gate}\naudit: {flush_interval_seconds: 100000}\n`,
  )
  // Nothing is sent by itself: a test decides when.
  gate.write('.lictor/gate/last-sync', '')
})
afterEach(async () => {
  gate.close()
  await console.close()
})

const touch = () =>
  JSON.stringify({ cwd: gate.work, tool_name: 'Bash', tool_input: { command: 'touch x' }, session_id: 's1' })
const ask = (...argv: string[]) => gate.run(argv, touch())
const verdicts = () => gate.events().map(({ verdict }) => verdict)

describe('a call that a person is asked about', () => {
  test('waits, and runs once it is approved', async () => {
    const asked = ask()
    const approval = await console.pending()
    expect(approval).toMatchObject({ agent_id: 'my-gate', tool_name: 'Bash', tool_args: { command: 'touch x' } })
    await console.decide(approval.id, true)
    expect(await asked).toMatchObject({ code: 0, out: '', err: '' })
    expect(verdicts()).toEqual(['call_approval_requested', 'call_approval_granted'])
  })

  test('is refused with what the person said', async () => {
    const asked = ask()
    await console.decide((await console.pending()).id, false, 'not today')
    expect(await asked).toMatchObject({ code: 2, err: "Contract 'ask-touch': not today\n" })
    expect(verdicts()).toEqual(['call_approval_requested', 'call_approval_denied'])
  })

  test('that nobody answers is refused within its own time, although the contract would allow it by then', async () => {
    const ran = await ask('--timeout', '8')
    expect(ran.code).toBe(2)
    // A slow machine has less time left for a person, or none: it refuses as well.
    expect(ran.err).toMatch(/nobody answered within the [1-4] s|did not decide within 6 s|no time left to ask a person/)
    await expect.poll(() => console.pendingCount()).toBe(0)
  })

  test('is judged by the contracts that are in force when the answer comes', async () => {
    const asked = ask()
    const { id } = await console.pending()
    gate.write('.lictor/contracts/base.yaml', gateBundle([NO_TOUCH]))
    await console.decide(id, true)
    expect(await asked).toMatchObject({ code: 2, err: "Contract 'no-touch': no touch\n" })
  })

  test('is taken back when the assistant ends the gate meanwhile', async () => {
    const { ended, kill } = gate.start([], touch())
    await console.pending()
    kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 2, err: expect.stringContaining('The assistant is gone') })
    expect(verdicts().at(-1)).toBe('call_cancelled')
  })

  test('is refused where the console cannot be reached', async () => {
    await console.close()
    const ran = await ask('--timeout', '10')
    expect(ran.code).toBe(2)
    expect(ran.out).toContain('"permissionDecision":"deny"')
  })
})

describe('what was recorded', () => {
  const sync = () => gate.command('gate', 'sync', '--json')

  test('reaches the console whole, once, and with the contracts of the gate', async () => {
    gate.write('.lictor/contracts/base.yaml', gateBundle([NO_TOUCH]))
    await Promise.all([ask(), ask(), ask()])
    expect((await sync()).json()).toMatchObject({ delivered: 3, isComplete: true })
    expect((await sync()).json()).toMatchObject({ delivered: 0, isComplete: true })
    const events = await console.events()
    expect(events).toHaveLength(3)
    expect(events[0]).toMatchObject({
      agent_id: 'my-gate',
      tool_name: 'Bash',
      payload: { assistant: 'claude-code', cwd: gate.work },
    })
  })

  test('waits while the console is away, and arrives when it is back, whoever sent in vain', async () => {
    gate.write('.lictor/contracts/base.yaml', gateBundle([NO_TOUCH]))
    await ask()
    await console.pause()
    const failed = await sync()
    expect([failed.code, failed.json()]).toEqual([1, expect.objectContaining({ delivered: 0, isComplete: false })])
    await ask()
    await console.resume()
    expect((await sync()).json()).toMatchObject({ delivered: 2, isComplete: true })
    expect(await console.events()).toHaveLength(2)
    expect(readdirSync(join(gate.home, '.cache/lictor/spool'))).toEqual([])
  })
})

describe('gate init', () => {
  test('writes settings that hold the key to nobody else, and contracts that load', async () => {
    rmSync(join(gate.home, '.lictor'), { recursive: true })
    const key = await console.createKey()
    const done = await gate.command('gate', 'init', '--server', console.url, '--api-key', key)
    expect([done.code, done.err]).toEqual([0, ''])
    expect(gate.modeOf('.lictor/gate.yaml')).toBe(0o600)
    expect(readFileSync(join(gate.home, '.lictor/contracts/base.yaml'), 'utf8')).toContain('coding-assistant-base')
    const status = (await gate.command('gate', 'status', '--json')).json()
    expect(status).toMatchObject({ server_url: console.url, contracts: [{ count: expect.any(Number), problem: null }] })
    expect((await gate.command('gate', 'init')).err).toContain('Nothing was changed')
  })

  test('refuses a key that the console does not know, and writes nothing', async () => {
    rmSync(join(gate.home, '.lictor'), { recursive: true })
    const wrong = await gate.command(
      'gate',
      'init',
      '--server',
      console.url,
      '--api-key',
      'edk_production_wrongwrongwrongwrong',
    )
    expect(wrong.err).toContain('the API key is not accepted there')
    expect(() => gate.read('.lictor/gate.yaml')).toThrow()
  })

  test('follows a bundle of the console: what is deployed holds after the next exchange', async () => {
    rmSync(join(gate.home, '.lictor'), { recursive: true })
    await console.deploy(gateBundle([NO_TOUCH]).replace('gate-test', 'coding'))
    const key = await console.createKey()
    const made = await gate.command('gate', 'init', '--server', console.url, '--api-key', key, '--bundle', 'coding')
    expect([made.code, made.err]).toEqual([0, ''])
    expect((await ask()).err).toBe("Contract 'no-touch': no touch\n")
    await console.deploy(gateBundle([NO_TOUCH.replace('no touch', 'never')]).replace('gate-test', 'coding'))
    expect((await gate.command('gate', 'sync', '--json')).json()).toMatchObject({ bundle: 'updated' })
    expect((await ask()).err).toBe("Contract 'no-touch': never\n")
    vi.unstubAllEnvs()
  })
})
