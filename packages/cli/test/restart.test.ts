import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type Killable, killable } from '../../server/test/killable.ts'
import { createWorkbench, type Workbench } from './workbench.ts'

// Each test starts several processes.
vi.setConfig({ testTimeout: 180_000 })

const FLOW = `apiVersion: 100monkeys.ai/v1
kind: Workflow
metadata: { name: gate, output_template: { said: "{{ASK.response}}" } }
spec:
  initial_state: BUILD
  states:
    BUILD: { kind: System, command: "true", transitions: [{ condition: on_success, target: ASK }] }
    ASK: { kind: Human, prompt: ok?, transitions: [] }
`
const AGENT = 'name: slow\nlanguage: javascript\nversion: "20"\ninstruction: Work.\n'
const SCRIPT = 'turns: [{ text: worked, delay_ms: 4000 }]\n'

let folder: string
let port: number
let server: Killable
let bench: Workbench
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lictor-cli-restart-'))
  writeFileSync(join(folder, 'script.yaml'), SCRIPT)
  port = await freePort()
  server = killable({
    LICTOR_DATA_DIR: folder,
    LICTOR_PORT: String(port),
    LICTOR_SANDBOX: 'process',
    LICTOR_MODEL_SCRIPT: join(folder, 'script.yaml'),
  })
  await server.start()
  await server.signIn()
  bench = createWorkbench(
    { 'flow.yaml': FLOW, 'agent.yaml': AGENT },
    { LICTOR_DATA_DIR: folder, LICTOR_URL: `http://127.0.0.1:${port}` },
  )
})
afterEach(async () => {
  await server.kill()
  bench.close()
  rmSync(folder, { recursive: true, force: true })
})

const patient = { timeout: 60_000, interval: 200 }
/** The id of the one run that `list` shows as running. */
const runningOf = async (...list: string[]): Promise<string> => {
  const listed = await bench.run(...list, '--json')
  const runs = listed.json() as { id?: string; execution_id?: string; status: string; current_state?: string }[]
  const found = runs.find(({ status, current_state: state }) => status === 'running' && (state ?? 'ASK') === 'ASK')
  return found?.id ?? found?.execution_id ?? ''
}

it('lictor workflow run follows its run over a restart of the server: each line once, and the end', async () => {
  expect((await bench.run('workflow', 'deploy', 'flow.yaml')).code).toBe(0)
  const followed = bench.run('workflow', 'run', 'gate')
  await expect.poll(() => runningOf('workflow', 'executions'), patient).not.toBe('')
  const id = await runningOf('workflow', 'executions')
  await restart()
  expect((await bench.run('workflow', 'signal', id, 'yes')).code).toBe(0)
  const { code, out } = await followed
  expect([code, out]).toEqual([0, expect.stringContaining('"said": "yes"')])
  const lines = out.split('\n').filter((line) => line.includes('workflow'))
  expect(new Set(lines).size).toBe(lines.length)
  expect(out.match(/Entered workflow state BUILD/g)).toHaveLength(1)
  expect(out.match(/Workflow execution completed/g)).toHaveLength(1)
})

it('lictor run follows its execution over a restart of the server', async () => {
  const deployed = await bench.run('agent', 'deploy', 'agent.yaml')
  expect([deployed.code, deployed.err]).toEqual([0, ''])
  const followed = bench.run('run', 'slow', '--input', 'go')
  const started = async () => {
    const answer = await server.call('GET', '/v1/executions')
    const { executions } = (await answer.json()) as { executions: { status: string }[] }
    return executions.map(({ status }) => status)
  }
  await expect.poll(started, patient).toEqual(['running'])
  await restart()
  const { code, out } = await followed
  expect([code, out]).toEqual([0, expect.stringContaining('worked')])
})

/** The server is away for longer than somebody in a hurry waits: whoever follows is turned away four times. */
async function restart(): Promise<void> {
  await server.kill()
  let turnedAway = 0
  const away = createServer((socket) => {
    turnedAway++
    socket.destroy()
  })
  await new Promise<void>((resolve) => away.listen(port, '127.0.0.1', resolve))
  await expect.poll(() => turnedAway, patient).toBeGreaterThanOrEqual(4)
  await new Promise((resolve) => away.close(resolve))
  await server.start()
}

async function freePort(): Promise<number> {
  const listener = createServer()
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port: free } = listener.address() as { port: number }
  await new Promise((resolve) => listener.close(resolve))
  return free
}
