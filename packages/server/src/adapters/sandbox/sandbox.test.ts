import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Instance, InstanceSpec, Sandbox } from '../../ports/sandbox.ts'
import { bubblewrapProblem, bubblewrapSandbox, findBubblewrap } from './bubblewrap.ts'
import { processSandbox } from './process.ts'

const home = mkdtempSync(join(tmpdir(), 'lictor-sandbox-'))
const options = { program: findBubblewrap(), runDir: join(home, 'run'), node: process.execPath }
const problem = await bubblewrapProblem(options)
if (problem !== null) console.warn(`bubblewrap is not tested here: ${problem}`)

const socket = join(home, 'gateway.sock')
const gateway = createServer((_request, response) => response.end('gateway'))
const address = createServer((_request, response) => response.end('address'))
let port = 0

beforeAll(async () => {
  await new Promise<void>((resolve) => gateway.listen(socket, resolve))
  await new Promise<void>((resolve) => address.listen(0, '127.0.0.1', resolve))
  port = (address.address() as AddressInfo).port
})
afterAll(() => {
  gateway.close()
  address.close()
  rmSync(home, { recursive: true, force: true })
})

function suite(makeSandbox: () => Sandbox): void {
  let sandbox: Sandbox
  let workspace: string
  let running: Instance[] = []

  beforeEach(() => {
    sandbox = makeSandbox()
    workspace = mkdtempSync(join(home, 'workspace-'))
  })
  afterEach(async () => {
    await Promise.all(running.map((instance) => instance.stop(0)))
    running = []
  })

  async function run(code: string, change: Partial<InstanceSpec> = {}): Promise<Instance> {
    const script = join(home, `script-${Math.random().toString(36).slice(2)}.mjs`)
    writeFileSync(script, code)
    const instance = await sandbox.start({
      id: `i-${Math.random().toString(36).slice(2)}`,
      interpreter: 'node',
      script,
      args: [],
      input: '',
      env: {},
      workspace,
      network: 'gateway',
      gateway: { address: `http://127.0.0.1:${port}`, socket },
      limits: { memory: 512 * 1024 ** 2, fileSize: 64 * 1024 ** 2, output: 65_536 },
      ...change,
    })
    running.push(instance)
    return instance
  }

  it('runs a script with its arguments and input, and reports both streams and the exit code', async () => {
    const instance = await run(
      `let text = ''; for await (const chunk of process.stdin) text += chunk
       console.log(process.argv[2], text); console.error('problem'); process.exitCode = 7`,
      { args: ['one two'], input: 'from input' },
    )
    expect(await instance.exited).toEqual({
      code: 7,
      stdout: 'one two from input\n',
      stderr: 'problem\n',
      truncated: false,
    })
  })

  it('gives the environment it was told, and nothing of this process', async () => {
    process.env.SECRET_OF_THE_SERVER = 'do not leak'
    const instance = await run('console.log(JSON.stringify(process.env))', { env: { GREETING: 'hello' } })
    delete process.env.SECRET_OF_THE_SERVER
    const seen = JSON.parse((await instance.exited).stdout) as Record<string, string>
    expect(seen.GREETING).toBe('hello')
    expect(
      Object.keys(seen).filter((name) => !/^(GREETING|PATH|HOME|TMPDIR|LANG|PWD|LICTOR_INSTANCE)$/.test(name)),
    ).toEqual([])
  })

  it('starts in the workspace; what is written there stays', async () => {
    const instance = await run(
      `import { writeFileSync } from 'node:fs'; writeFileSync('made.txt', 'by the agent'); console.log(process.cwd())`,
    )
    expect((await instance.exited).stdout.trim()).toBe(sandbox.workspaceOf(workspace))
    expect(readFileSync(join(workspace, 'made.txt'), 'utf8')).toBe('by the agent')
  })

  it('reaches the gateway', async () => {
    const base = sandbox.gatewayOf({ address: `http://127.0.0.1:${port}`, socket }, 'gateway')
    const instance = await run(
      `import { request } from 'node:http'
       const unix = /^http\\+unix:\\/\\/([^/]+)/.exec(process.env.BASE)
       const target = unix ? { socketPath: decodeURIComponent(unix[1]), path: '/' } : process.env.BASE
       request(target, (response) => response.pipe(process.stdout)).end()`,
      { env: { BASE: base } },
    )
    expect(await instance.exited).toMatchObject({ code: 0, stdout: sandbox.isolation.network ? 'gateway' : 'address' })
  })

  it('100 MB of output cost no more memory than the limit, and the end is kept', async () => {
    const instance = await run(
      `const block = Buffer.alloc(1_000_000, 'x'); const write = (left) => left === 0
         ? process.stdout.write('the end') : process.stdout.write(block, () => write(left - 1)); write(100)`,
    )
    const exit = await instance.exited
    expect(exit).toMatchObject({ code: 0, truncated: true })
    expect(exit.stdout.length).toBe(65_536)
    expect(exit.stdout.endsWith('the end')).toBe(true)
  })

  it('stopping ends it and every process it started, also those that left its group', async () => {
    const instance = await run(
      `import { spawn } from 'node:child_process'; import { writeFileSync } from 'node:fs'
       process.on('SIGTERM', () => {})
       spawn('sh', ['-c', 'trap "" TERM; while true; do date +%N > beat; sleep 0.02; done'], { detached: true, stdio: 'inherit' }).unref()
       writeFileSync('ready', ''); setInterval(() => {}, 1000)`,
    )
    await until(() => existsSync(join(workspace, 'beat')))
    await instance.stop(50)
    const last = readFileSync(join(workspace, 'beat'), 'utf8')
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(readFileSync(join(workspace, 'beat'), 'utf8')).toBe(last)
  })

  it('what a process leaves behind is ended with it', async () => {
    const instance = await run(
      `import { spawn } from 'node:child_process'; import { existsSync } from 'node:fs'
       spawn('sh', ['-c', 'while true; do date +%N > beat; sleep 0.02; done'], { detached: true, stdio: 'ignore' }).unref()
       setInterval(() => { if (existsSync('beat')) process.exit(0) }, 5)`,
    )
    await instance.exited
    const last = readFileSync(join(workspace, 'beat'), 'utf8')
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(readFileSync(join(workspace, 'beat'), 'utf8')).toBe(last)
  })

  it('a file larger than the limit cannot be made', async () => {
    const instance = await run(
      `import { writeFileSync } from 'node:fs'; process.on('SIGXFSZ', () => {})
       try { writeFileSync('big', Buffer.alloc(3_000_000)) } catch (error) { console.log(error.code) }`,
      { limits: { memory: 512 * 1024 ** 2, fileSize: 1_000_000, output: 65_536 } },
    )
    expect((await instance.exited).stdout).toBe('EFBIG\n')
  })

  it('memory beyond the limit is not given', async () => {
    const instance = await run(
      `const kept = []; for (let i = 0; i < 40; i++) kept.push(Buffer.alloc(64 * 1024 ** 2, 1)); console.log('unlimited')`,
      { limits: { memory: 128 * 1024 ** 2, fileSize: 1_000_000, output: 65_536 } },
    )
    const exit = await instance.exited
    expect(exit.code).not.toBe(0)
    expect(exit.stdout).toBe('')
  })
}

/** Wait for something another process does. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

const plain = () =>
  processSandbox({
    owner: 'test',
    programs: { node: process.execPath, python: 'python3' },
    path: process.env.PATH ?? '',
  })

describe('sandbox: plain process', () => suite(plain))

describe.skipIf(problem !== null)('sandbox: bubblewrap', () => {
  suite(() => bubblewrapSandbox(options))

  it('isolation: no file of this machine but programs, no network, no other process, no way to write outside', async () => {
    const script = join(home, 'probe.mjs')
    writeFileSync(
      script,
      `import { readdirSync, readFileSync, writeFileSync } from 'node:fs'; import { connect } from 'node:net'
       const attempt = (act) => { try { return act() } catch (error) { return error.code } }
       const tcp = await new Promise((resolve) => connect(Number(process.argv[2]), '127.0.0.1')
         .on('connect', () => resolve('connected')).on('error', (error) => resolve(error.code)))
       console.log(JSON.stringify({ tcp,
         outside: attempt(() => readFileSync(process.argv[3], 'utf8')),
         shadow: attempt(() => readFileSync('/etc/shadow', 'utf8')),
         usr: attempt(() => writeFileSync('/usr/made', '')),
         etc: attempt(() => writeFileSync('/opt/lictor/made', '')),
         processes: readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).length, uid: process.getuid() }))`,
    )
    const secret = join(home, 'secret')
    writeFileSync(secret, 'of this machine')
    const instance = await bubblewrapSandbox(options).start({
      id: 'probe',
      interpreter: 'node',
      script,
      args: [String(port), secret],
      input: '',
      env: {},
      workspace: mkdtempSync(join(home, 'workspace-')),
      network: 'gateway',
      gateway: { address: '', socket },
      limits: { memory: 512 * 1024 ** 2, fileSize: 1024 ** 2, output: 65_536 },
    })
    const seen = JSON.parse((await instance.exited).stdout) as Record<string, unknown>
    expect(seen).toEqual({
      tcp: 'ECONNREFUSED',
      outside: 'ENOENT',
      shadow: 'ENOENT',
      usr: 'EROFS',
      etc: expect.stringMatching(/^(EROFS|EACCES|ENOENT)$/),
      processes: 2,
      uid: 1000,
    })
  })
})

it('a plain process left by a server that was killed is ended by the next', async () => {
  const workspace = mkdtempSync(join(home, 'workspace-'))
  const script = join(home, 'orphan.mjs')
  const ready = join(home, 'orphan.ready')
  writeFileSync(
    script,
    `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(ready)}, ''); setInterval(() => {}, 1000)`,
  )
  const earlier = plain()
  const instance = await earlier.start({
    id: 'orphan',
    interpreter: 'node',
    script,
    args: [],
    input: '',
    env: {},
    workspace,
    network: 'open',
    gateway: { address: '', socket: null },
    limits: { memory: 512 * 1024 ** 2, fileSize: 1024 ** 2, output: 65_536 },
  })
  if (process.platform !== 'linux') return instance.stop(0)
  await expect.poll(() => existsSync(ready)).toBe(true)
  expect(await plain().reap()).toBeGreaterThan(0)
  expect((await instance.exited).code).toBe(137)
  expect(readdirSync(workspace)).toEqual([])
})
