import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { ADMIN } from './harness.ts'

// Each test starts several processes.
vi.setConfig({ testTimeout: 120_000 })

const script = fileURLToPath(new URL('server-process.ts', import.meta.url))

describe.each(['process', 'bubblewrap'])('a server killed while an agent runs in the sandbox "%s"', (sandbox) => {
  let folder: string
  let child: ChildProcess
  let address: string
  afterEach(async () => {
    await kill()
    rmSync(folder, { recursive: true, force: true })
  })

  async function start(): Promise<void> {
    child = spawn(process.execPath, ['--conditions=source', script], {
      env: {
        ...process.env,
        DATABASE_URL: '',
        LICTOR_PORT: '0',
        LICTOR_LOG_LEVEL: 'silent',
        LICTOR_DATA_DIR: folder,
        LICTOR_SANDBOX: sandbox,
        LICTOR_MODEL_SCRIPT: join(folder, 'script.yaml'),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    address = await new Promise<string>((resolve, reject) => {
      child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()))
      child.once('exit', (code) => reject(new Error(`The server ended with code ${code} before it listened.`)))
    })
  }

  async function kill(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  async function call(method: string, path: string, headers: object, body?: object | string): Promise<Response> {
    return fetch(`${address}${path}`, {
      method,
      headers: {
        'content-type': typeof body === 'string' ? 'text/yaml' : 'application/json',
        'x-requested-with': 'test',
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
  }

  async function signIn(): Promise<{ cookie: string }> {
    const login = await call('POST', '/api/v1/auth/login', {}, ADMIN)
    return { cookie: login.headers.get('set-cookie')?.split(';')[0] ?? '' }
  }

  it('leaves no process behind for the next, which ends the execution and says so', async () => {
    folder = mkdtempSync(join(tmpdir(), 'lictor-kill-'))
    const command = 'while true; do date +%N > beat; sleep 0.02; done'
    const turns = [{ tool_calls: [{ name: 'run_command', arguments: { command } }] }, { text: 'never' }]
    writeFileSync(join(folder, 'script.yaml'), stringify({ turns }))
    await start()
    await call('POST', '/api/v1/setup', {}, ADMIN)
    let headers = await signIn()
    const manifest = stringify({
      name: 'worker',
      language: 'javascript',
      version: '20',
      instruction: 'Work.',
      tools: ['run_command'],
    })
    const agent = (await (await call('POST', '/v1/agents', headers, manifest)).json()) as { id: string }
    const started = await call('POST', '/v1/executions', headers, { agent_id: agent.id, input: 'go' })
    const { execution_id: id } = (await started.json()) as { execution_id: string }
    const beat = join(folder, 'executions', id, 'workspace', 'beat')
    await until(() => existsSync(beat))
    await kill()

    await start()
    headers = await signIn()
    const last = readFileSync(beat, 'utf8')
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(readFileSync(beat, 'utf8')).toBe(last)
    const execution = (await (await call('GET', `/v1/executions/${id}`, headers)).json()) as Record<string, unknown>
    expect(execution).toMatchObject({ status: 'failed', error: 'orchestrator restarted' })
    const stream = await (await call('GET', `/v1/executions/${id}/stream`, headers)).text()
    expect(stream.trim().split('\n').at(-1)).toContain('"type":"execution_failed"')
    expect(readdirSync(join(folder, 'executions'))).toEqual([id])
  })
})

/** Wait for something another process does. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10))
}
