import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type BootstrapLanguage, bootstrapPath } from './index.ts'

type Message = Record<string, unknown>
type Answer = Message | ((message: Message, response: ServerResponse, request: IncomingMessage) => void)

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const final = (content: string): Message => ({ type: 'final', content, tool_calls_executed: 0, conversation: [] })

const interpreters: Record<BootstrapLanguage, string> = { node: process.execPath, python: 'python3' }

describe.each<BootstrapLanguage>(['node', 'python'])('the %s bootstrap', (language) => {
  let folder: string
  let gateway: Server
  let base: string
  let messages: Message[]
  let answers: Answer[]
  let children: ChildProcess[]

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bootstrap-'))
    messages = []
    answers = []
    children = []
    gateway = createServer(async (request, response) => {
      const message = JSON.parse(await text(request)) as Message
      messages.push({ ...message, at: `${request.method} ${request.url}` })
      const answer = answers.shift() ?? ((_, rest) => rest.writeHead(500).end('no more answers'))
      if (typeof answer === 'function') answer(message, response, request)
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    })
    gateway.listen(0, '127.0.0.1')
    await once(gateway, 'listening')
    base = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`
  })

  afterEach(() => {
    for (const child of children) child.kill('SIGKILL')
    gateway.closeAllConnections()
    gateway.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function start(
    env: Record<string, string | undefined> = {},
    {
      args = ['Sum the numbers'],
      stdin = '',
      onStderr = () => {},
    }: { args?: string[]; stdin?: string; onStderr?: (chunk: Buffer) => void } = {},
  ): Promise<Ended> {
    const child = spawn(interpreters[language], [bootstrapPath(language), ...args], {
      env: {
        PATH: process.env.PATH,
        AEGIS_EXECUTION_ID: 'execution-1',
        AEGIS_AGENT_ID: 'agent-1',
        AEGIS_MODEL_ALIAS: 'default',
        AEGIS_ORCHESTRATOR_URL: base,
        ...env,
      },
      stdio: 'pipe',
    })
    children.push(child)
    child.stdin.on('error', () => {})
    child.stderr.on('data', onStderr)
    child.stdin.end(stdin)
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    return { code, stdout, stderr }
  }

  const dispatch = (fields: Message): Message => ({
    type: 'dispatch',
    dispatch_id: 'dispatch-1',
    action: 'exec',
    command: 'true',
    args: [],
    cwd: folder,
    env_additions: {},
    timeout_secs: 20,
    max_output_bytes: 1_048_576,
    ...fields,
  })

  /** Let the orchestrator dispatch one command and return what the bootstrap reported. */
  async function resultOf(fields: Message, env: Record<string, string> = {}): Promise<Message> {
    answers = [dispatch(fields), final('done')]
    const ended = await start(env)
    expect(ended).toEqual({ code: 0, stdout: 'done\n', stderr: '' })
    return messages[1] as Message
  }

  test('carries the prompt and prints the final answer', async () => {
    answers = [final('42 — ünïcode')]
    expect(await start({ AEGIS_ITERATION: '3' })).toEqual({ code: 0, stdout: '42 — ünïcode\n', stderr: '' })
    expect(messages).toEqual([
      {
        type: 'generate',
        agent_id: 'agent-1',
        execution_id: 'execution-1',
        iteration_number: 3,
        model_alias: 'default',
        prompt: 'Sum the numbers',
        messages: [],
        at: 'POST /v1/dispatch-gateway',
      },
    ])
  })

  test('keeps the path prefix of the orchestrator address', async () => {
    answers = [final('ok')]
    expect((await start({ AEGIS_ORCHESTRATOR_URL: `${base}/i/secret/` })).code).toBe(0)
    expect(messages[0]?.at).toBe('POST /i/secret/v1/dispatch-gateway')
  })

  test('reaches an orchestrator behind a Unix socket', async () => {
    const path = join(folder, 'gateway.sock')
    const local = createServer((request, response) => response.end(JSON.stringify(final(request.url ?? ''))))
    local.listen(path)
    await once(local, 'listening')
    try {
      const url = `http+unix://${encodeURIComponent(path)}/i/secret`
      expect(await start({ AEGIS_ORCHESTRATOR_URL: url })).toMatchObject({
        code: 0,
        stdout: '/i/secret/v1/dispatch-gateway\n',
      })
    } finally {
      local.close()
    }
  })

  test('takes the prompt from standard input when there is no argument', async () => {
    answers = [final('ok')]
    await start({}, { args: [], stdin: 'From a pipe: ä' })
    expect(messages[0]?.prompt).toBe('From a pipe: ä')
  })

  test('tells the model of earlier attempts', async () => {
    answers = [final('ok')]
    await start({
      AEGIS_ITERATION_HISTORY: JSON.stringify([
        { iteration: 1, error: 'crashed' },
        {
          iteration: 2,
          output: 'meh',
          validation_failed: true,
          validation_reason: 'too short',
          feedback: '{"score":0}',
        },
      ]),
    })
    expect(messages[0]?.prompt).toBe(
      '# Previous Attempts:\n\n## Iteration 1:\nError: crashed\n\n## Iteration 2:\nOutput: meh\nRejected: too short\nFeedback: {"score":0}\n\n# Current Attempt:\n\nSum the numbers',
    )
  })

  test('a broken history is ignored with a warning', async () => {
    answers = [final('ok')]
    const ended = await start({ AEGIS_ITERATION_HISTORY: '{oops' })
    expect(ended.code).toBe(0)
    expect(ended.stderr).toContain('[BOOTSTRAP WARNING] AEGIS_ITERATION_HISTORY')
    expect(messages[0]?.prompt).toBe('Sum the numbers')
  })

  test('runs what is dispatched and reports it, turn after turn', async () => {
    answers = [
      dispatch({ command: 'printf', args: ['out;', 'printf err >&2'] }),
      dispatch({ dispatch_id: 'dispatch-2', command: 'exit 7' }),
      final('both ran'),
    ]
    expect(await start()).toEqual({ code: 0, stdout: 'both ran\n', stderr: '' })
    expect(messages.slice(1)).toMatchObject([
      {
        type: 'dispatch_result',
        execution_id: 'execution-1',
        dispatch_id: 'dispatch-1',
        exit_code: 0,
        stdout: 'out',
        stderr: 'err',
        truncated: false,
        at: 'POST /v1/dispatch-gateway',
      },
      { dispatch_id: 'dispatch-2', exit_code: 7, stdout: '', stderr: '', truncated: false },
    ])
    expect(Number.isInteger(messages[1]?.duration_ms)).toBe(true)
  })

  test('gives the command its folder and the additions to its environment', async () => {
    const result = await resultOf({ command: 'pwd; echo $ADDED $AEGIS_AGENT_ID', env_additions: { ADDED: 'yes' } })
    expect(result.stdout).toBe(`${folder}\nyes agent-1\n`)
  })

  test('a folder that was judged is entered as it is, and never through a link', async () => {
    mkdirSync(join(folder, 'real/below'), { recursive: true })
    symlinkSync('real', join(folder, 'link'))
    const at = (path: string) =>
      resultOf({ command: 'pwd', cwd: join(realpathSync(folder), path), follow_links: false })
    expect((await at('real/below')).stdout).toBe(`${realpathSync(folder)}/real/below\n`)
    for (const path of ['link', 'link/below']) {
      messages = []
      expect(await at(path)).toMatchObject({
        exit_code: -1,
        stderr: expect.stringContaining('reached through a link'),
      })
    }
  })

  test('without a shell nothing in an argument is interpreted', async () => {
    const result = await resultOf({ command: 'printf', args: ['%s|', 'a b', '$HOME', '; touch evil'], shell: false })
    expect(result).toMatchObject({ exit_code: 0, stdout: 'a b|$HOME|; touch evil|' })
    expect(existsSync(join(folder, 'evil'))).toBe(false)
  })

  test('a program that does not exist is an error of the dispatch, not of the bootstrap', async () => {
    const result = await resultOf({ command: 'no-such-program', args: ['x'], shell: false })
    expect(result.exit_code).toBe(-1)
    expect(result.stderr).toMatch(/^\[AEGIS\] Command could not be started: .*no-such-program/)
    messages = []
    expect((await resultOf({ command: 'no-such-program' })).exit_code).toBe(127)
  })

  test('a command that runs too long is ended with everything it started', async () => {
    const result = await resultOf({ command: 'echo begun; sleep 600 & echo $! > pid; wait', timeout_secs: 1 })
    expect(result).toMatchObject({
      exit_code: -1,
      stdout: 'begun\n',
      stderr: '[AEGIS] Command timed out after 1s',
      truncated: false,
    })
    expect(isAlive(readFileSync(join(folder, 'pid'), 'utf8').trim())).toBe(false)
  })

  test('a background process does not keep the command from ending', async () => {
    const result = await resultOf({ command: 'echo started; (sleep 5; echo late) &' })
    expect(result).toMatchObject({ exit_code: 0, stdout: 'started\n' })
  })

  test('a command ended by a signal reports it the way shells do', async () => {
    expect(await resultOf({ command: 'kill -9 $$' })).toMatchObject({ exit_code: 137 })
  })

  test('of 100 MB of output only the end travels', async () => {
    const result = await resultOf({
      command: "head -c 104857600 /dev/zero | tr '\\0' 'a'; printf 'THE END'; printf 'short' >&2",
      max_output_bytes: 1000,
    })
    expect(result).toMatchObject({ exit_code: 0, truncated: true, stderr: 'short' })
    expect(result.stdout).toBe(`${'a'.repeat(493)}THE END`)
  })

  test('truncation never cuts through a character and never exceeds the limit', async () => {
    const result = await resultOf({ command: "printf '€€€€€€'", max_output_bytes: 16 })
    expect(result).toMatchObject({ stdout: '€€', truncated: true })
    messages = []
    const binary = await resultOf({ command: 'head -c 4096 /dev/zero | tr "\\0" "\\377"', max_output_bytes: 100 })
    expect(Buffer.byteLength(binary.stdout as string)).toBeLessThanOrEqual(50)
    expect(binary.truncated).toBe(true)
  })

  test('output of exactly the limit is not truncated, a limit of zero keeps nothing', async () => {
    expect(await resultOf({ command: 'printf 12345; printf 67890 >&2', max_output_bytes: 10 })).toMatchObject({
      stdout: '12345',
      stderr: '67890',
      truncated: false,
    })
    messages = []
    expect(await resultOf({ command: 'echo x', max_output_bytes: 0 })).toMatchObject({ stdout: '', truncated: true })
  })

  test('the command reads nothing from the standard input of the bootstrap', async () => {
    expect(await resultOf({ command: 'cat; echo end' })).toMatchObject({ exit_code: 0, stdout: 'end\n' })
  })

  const refused: [name: string, fields: Message, stderr: string][] = [
    ['another action', { action: 'upload' }, 'unknown_action:upload'],
    [
      'a folder that does not exist',
      { cwd: '/no/such/folder' },
      '[AEGIS] Working directory does not exist: /no/such/folder',
    ],
    ['no command', { command: null }, '[AEGIS] The dispatch names no command'],
  ]
  test.each(refused)('%s is answered with -1 and the reason', async (_, fields, stderr) => {
    expect(await resultOf(fields)).toMatchObject({ exit_code: -1, stdout: '', stderr, truncated: false })
  })

  const failures: [name: string, answer: Answer, stderr: RegExp][] = [
    [
      'a client error',
      (_, response) => response.writeHead(404).end('{"error":"Unknown or expired execution_id: x"}'),
      /HTTP 404: .*Unknown or expired/,
    ],
    [
      'a server error',
      (_, response) => response.writeHead(502).end('{"error":"upstream_authentication: no key"}'),
      /HTTP 502: .*upstream_authentication/,
    ],
    ['a redirect', (_, response) => response.writeHead(302, { location: '/elsewhere' }).end(), /HTTP 302/],
    ['an answer that is not JSON', (_, response) => response.end('<html>'), /answer is not JSON: <html>/],
    ['an empty answer', (_, response) => response.end(), /answer is not JSON/],
    ['an answer that is no object', (_, response) => response.end('[]'), /other than a JSON object/],
    ['an answer of no known type', (_, response) => response.end('{}'), /neither a command nor a final text/],
    ['a dispatch without id', { type: 'dispatch', action: 'exec', command: 'true' }, /dispatch without id/],
    [
      'a connection that breaks',
      (_, response) => response.destroy(),
      /the connection to http:\/\/127\.0\.0\.1:\d+ broke/,
    ],
    [
      'an answer that is cut off',
      (_, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('{"type"', () => response.destroy())
      },
      /broke|not JSON/,
    ],
  ]
  test.each(failures)('%s ends it with code 1 and the reason', async (_, answer, stderr) => {
    answers = [answer]
    const ended = await start()
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(/^\[BOOTSTRAP ERROR\] /)
    expect(ended.stderr).toMatch(stderr)
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(messages).toHaveLength(1)
  })

  test('an error in reply to a result ends it as well; the command is not run again', async () => {
    answers = [
      dispatch({ command: 'echo run >> log' }),
      (_, response) => response.writeHead(409).end('{"error":"cancelled"}'),
    ]
    const ended = await start()
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toContain('HTTP 409')
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('run\n')
    expect(messages).toHaveLength(2)
  })

  test('a result waits for an orchestrator that restarts, and arrives once', async () => {
    const { port } = gateway.address() as AddressInfo
    answers = [
      (_, response) => {
        response.writeHead(200, { connection: 'close' }).end(JSON.stringify(dispatch({ command: 'echo ran >> log' })))
        gateway.close()
      },
      final('survived'),
    ]
    const ended = await start(
      { AEGIS_BOOTSTRAP_DEBUG: '1' },
      { onStderr: (chunk) => chunk.includes('; again in ') && !gateway.listening && gateway.listen(port, '127.0.0.1') },
    )
    expect(ended).toMatchObject({ code: 0, stdout: 'survived\n' })
    expect(messages).toHaveLength(2)
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('ran\n')
  })

  test('an orchestrator that never answers is given up after the time-out of a turn', async () => {
    answers = [() => {}]
    const ended = await start({ AEGIS_LLM_TIMEOUT_SECONDS: '1' })
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(/gave no answer within 1 s/)
  })

  test('an answer that drips for ever is given up as well', async () => {
    answers = [
      (_, response) => {
        const drip = setInterval(() => response.write(' '), 100)
        response.on('close', () => clearInterval(drip))
      },
    ]
    const ended = await start({ AEGIS_LLM_TIMEOUT_SECONDS: '1' })
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(/gave no answer within 1 s/)
  })

  test('an orchestrator that cannot be reached is named without the secret of its address', async () => {
    const ended = await start({ AEGIS_ORCHESTRATOR_URL: 'http://127.0.0.1:1/i/secret' })
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toContain('cannot reach http://127.0.0.1:1: ECONNREFUSED')
    expect(ended.stderr).not.toContain('secret')
  })

  const missing: [name: string, env: Record<string, string | undefined>, args: string[], stderr: RegExp][] = [
    ['no model alias', { AEGIS_MODEL_ALIAS: undefined }, ['x'], /AEGIS_MODEL_ALIAS is not set/],
    ['no execution id', { AEGIS_EXECUTION_ID: undefined }, ['x'], /AEGIS_EXECUTION_ID is not set/],
    ['no prompt', {}, [], /the prompt is empty/],
    ['an address of another kind', { AEGIS_ORCHESTRATOR_URL: 'ftp://x' }, ['x'], /must start with http/],
  ]
  test.each(missing)('%s ends it before anything is sent', async (_, env, args, stderr) => {
    const ended = await start(env, { args })
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(stderr)
    expect(messages).toEqual([])
  })

  test('stopping the bootstrap stops the command it runs', async () => {
    answers = [dispatch({ command: 'echo $$ > pid; kill -TERM $PPID; sleep 600' })]
    expect((await start()).code).toBe(143)
    // A killed process takes a moment to go; one that was not would sleep until the test's limit.
    const pid = readFileSync(join(folder, 'pid'), 'utf8').trim()
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5))
  })
})

/** Whether a process runs; one that has ended but was not yet collected by its parent does not. */
function isAlive(pid: string): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
