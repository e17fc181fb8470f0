import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { dockerProblem, importTestImage, startEngine, TEST_IMAGE, type TestEngine } from '../../../test/docker.ts'
import type { Instance, InstanceSpec, Sandbox } from '../../ports/sandbox.ts'
import { systemClock } from '../clock/system.ts'
import { bubblewrapProblem, bubblewrapSandbox, findBubblewrap } from './bubblewrap.ts'
import { openControlGroups } from './cgroups.ts'
import { dockerSandbox } from './docker.ts'
import { createImages } from './docker-images.ts'
import { processSandbox } from './process.ts'
import { ownMark } from './process-mark.ts'

const home = mkdtempSync(join(tmpdir(), 'lictor-sandbox-'))
const groups = openControlGroups({ owner: `test-${process.pid}` })
const isLimited = groups.problems.memory === undefined && groups.problems.processes === undefined
if (!isLimited) console.warn('limits by control groups are not tested here:', groups.problems)
/** Files by which an instance joined its control groups. */
const entrances: string[] = []
const recorded: typeof groups = {
  ...groups,
  create(id, limits) {
    const group = groups.create(id, limits)
    entrances.push(...group.entrances)
    return group
  },
}
const options = {
  program: findBubblewrap(),
  runDir: join(home, 'run'),
  node: process.execPath,
  groups: recorded,
  clock: systemClock,
}
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

const bootstrap = fileURLToPath(new URL('../../../bootstrap/bootstrap.mjs', import.meta.url))

function suite(makeSandbox: () => Sandbox, areLimitsByEngine = false): void {
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
      proxy: null,
      gateway: { address: `http://127.0.0.1:${port}`, socket },
      limits,
      image: { name: TEST_IMAGE, pullPolicy: 'Never' },
      ...change,
    })
    running.push(instance)
    return instance
  }

  it('runs a script of the workspace instead, where the agent brings its own', async () => {
    writeFileSync(join(workspace, 'own.mjs'), "process.stdout.write('own ' + process.argv[2])")
    // Beside it the bootstrap of this server may go on, to offer it gateway and proxy.
    const instance = await run('', { script: bootstrap, ownScript: '/workspace/own.mjs', args: ['x'] })
    expect(await instance.exited).toMatchObject({ code: 0, stdout: 'own x' })
    const missing = await run('', { script: bootstrap, ownScript: '/workspace/missing.mjs' })
    const ended = await missing.exited
    expect(ended).toMatchObject({ stdout: '', stderr: expect.stringContaining('missing.mjs') })
    expect(ended.code).not.toBe(0)
  })

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
      Object.keys(seen).filter((name) => !/^(GREETING|PATH|HOME|TMPDIR|LANG|PWD|HOSTNAME|LICTOR_INSTANCE)$/.test(name)),
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
    const base = sandbox.gatewayOf({ address: `http://127.0.0.1:${port}`, socket })
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
       spawn('sh', ['-c', 'trap "" TERM; i=0; while true; do i=$((i+1)); echo $i > beat; sleep 0.02; done'], { detached: true, stdio: 'inherit' }).unref()
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
       spawn('sh', ['-c', 'i=0; while true; do i=$((i+1)); echo $i > beat; sleep 0.02; done'], { detached: true, stdio: 'ignore' }).unref()
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

  it.skipIf(!isLimited && !areLimitsByEngine)('memory is counted for all processes together', async () => {
    const instance = await run(
      `import { spawn } from 'node:child_process'
       const hold = "const kept = Buffer.alloc(120 * 1024 ** 2, 1); console.log(kept.length); setInterval(() => {}, 1000)"
       let ready = 0
       for (let i = 0; i < 3; i++) {
         const child = spawn(process.execPath, ['-e', hold], { stdio: ['ignore', 'pipe', 'inherit'] })
         child.stdout.on('data', () => { if (++ready === 3) { console.log('unlimited'); process.exit(0) } })
         child.on('exit', () => process.exit(9))
       }`,
      { limits: { ...limits, memory: 256 * 1024 ** 2 } },
    )
    const exit = await instance.exited
    expect(exit.stdout).toBe('')
    expect(exit.code).not.toBe(0)
    expect(exit.stderr).toContain('together they used more than 268435456 bytes of memory')
  })

  it.skipIf(!isLimited && !areLimitsByEngine)(
    'no more processes than the limit, however many are asked for',
    async () => {
      const instance = await run(
        `import { spawn } from 'node:child_process'
       let started = 0; const refused = new Set()
       for (let i = 0; i < 100; i++) {
         const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
         child.on('error', (error) => refused.add(error.code))
         if (child.pid !== undefined) started++
       }
       setImmediate(() => { console.log(JSON.stringify({ started, refused: [...refused] })); process.exit(0) })`,
        { limits: { ...limits, processes: 60 } },
      )
      const seen = JSON.parse((await instance.exited).stdout) as { started: number; refused: string[] }
      expect(seen.started).toBeGreaterThan(0)
      expect(seen.started).toBeLessThan(60)
      expect(seen.refused).toEqual(['EAGAIN'])
    },
  )

  it.skipIf(!isLimited || areLimitsByEngine)('its control groups go with it', async () => {
    entrances.length = 0
    await (await run('')).exited
    expect(entrances.length).toBeGreaterThan(0)
    expect(entrances.filter((path) => existsSync(dirname(path)))).toEqual([])
  })

  it('an instance whose files take more than the workspace may hold is ended, and told why', async () => {
    const instance = await run(
      `import { writeFileSync } from 'node:fs'
       for (const name of ['a', 'b', 'c']) writeFileSync(name, Buffer.alloc(2_000_000, 1))
       setInterval(() => {}, 1000)`,
      { limits: { ...limits, fileSize: 3_000_000, workspace: 5_000_000 } },
    )
    const exit = await instance.exited
    expect(exit.code).toBe(153)
    expect(exit.stderr).toContain('The workspace takes more than 5000000 bytes of disk.')
  })

  it('one that is quicker than the look at its workspace ends no better', async () => {
    const instance = await run(
      `import { writeFileSync } from 'node:fs'
       for (const name of ['a', 'b', 'c']) writeFileSync(name, Buffer.alloc(2_000_000, 1))`,
      { limits: { ...limits, fileSize: 3_000_000, workspace: 5_000_000 } },
    )
    expect((await instance.exited).code).toBe(153)
  })

  it.skipIf(process.platform !== 'linux')('has no file open but what it opened itself', async () => {
    const instance = await run(
      `import { readdirSync, readlinkSync } from 'node:fs'
       const target = (number) => { try { return readlinkSync('/proc/self/fd/' + number) } catch { return '' } }
       console.log(JSON.stringify(readdirSync('/proc/self/fd').map(target).filter((path) => /^\\/(?!dev\\/|proc\\/)/.test(path))))`,
    )
    expect(await instance.exited).toMatchObject({ code: 0, stdout: '[]\n' })
  })
}

const limits = { memory: 512 * 1024 ** 2, fileSize: 64 * 1024 ** 2, output: 65_536 }

/** Wait for something another process does. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

const plain = () =>
  processSandbox({
    owner: 'test',
    programs: { node: process.execPath, python: 'python3' },
    path: process.env.PATH ?? '',
    groups: recorded,
    clock: systemClock,
  })

describe('sandbox: plain process', () => suite(plain))

describe.skipIf(dockerProblem !== null)('sandbox: docker', () => {
  let docker: TestEngine
  beforeAll(async () => {
    docker = await startEngine()
    await importTestImage(docker.engine)
  }, 120_000)
  afterAll(() => docker.stop())

  suite(
    () =>
      dockerSandbox({
        engine: docker.engine,
        images: createImages({ engine: docker.engine, logins: {}, clock: systemClock }),
        owner: 'test',
        mark: ownMark(),
        runtime: '',
        clock: systemClock,
        onStuck: (container, reason) => expect.unreachable(`${container}: ${reason}`),
      }),
    true,
  )
})

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
      proxy: null,
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

describe.skipIf(problem !== null)(
  'sandbox: bubblewrap keeps what is in memory small, and the machine out of sight',
  () => {
    async function outputOf(code: string, change: Partial<InstanceSpec['limits']> = {}) {
      const script = join(home, `script-${Math.random().toString(36).slice(2)}.mjs`)
      const workspace = mkdtempSync(join(home, 'workspace-'))
      writeFileSync(script, code)
      const instance = await bubblewrapSandbox(options).start({
        id: `i-${Math.random().toString(36).slice(2)}`,
        interpreter: 'node',
        script,
        args: [],
        input: '',
        env: {},
        workspace,
        proxy: null,
        gateway: { address: '', socket },
        limits: { ...limits, fileSize: 1024 ** 3, ...change },
      })
      return { exit: await instance.exited, workspace, script }
    }

    it('nothing can be written to /dev but its devices, and /dev/shm holds 64 MiB', async () => {
      const { exit } = await outputOf(
        `import { mkdirSync, writeFileSync } from 'node:fs'
       const attempt = (act) => { try { act(); return 'done' } catch (error) { return error.code } }
       const block = Buffer.alloc(33 * 1024 ** 2, 1)
       console.log(JSON.stringify({
         file: attempt(() => writeFileSync('/dev/made', 'x')), folder: attempt(() => mkdirSync('/dev/folder')),
         device: attempt(() => writeFileSync('/dev/null', 'x')),
         shared: [1, 2].map((name) => attempt(() => writeFileSync('/dev/shm/' + name, block))) }))`,
      )
      expect(JSON.parse(exit.stdout)).toEqual({
        file: 'EROFS',
        folder: 'EROFS',
        device: 'done',
        shared: ['done', 'ENOSPC'],
      })
    })

    it.skipIf(!isLimited)('files in memory and shared memory count as memory', async () => {
      const { exit } = await outputOf(
        `import { writeFileSync } from 'node:fs'; const block = Buffer.alloc(16 * 1024 ** 2, 1)
       for (let i = 0; i < 12; i++) writeFileSync((i < 3 ? '/dev/shm/' : '/tmp/') + i, block)
       console.log('unlimited')`,
        { memory: 128 * 1024 ** 2 },
      )
      expect(exit).toMatchObject({
        code: 137,
        stdout: '',
        stderr: expect.stringContaining('134217728 bytes of memory'),
      })
    })

    it('of the paths of this machine, mountinfo shows the workspace, the socket and Node alone', async () => {
      const { exit, workspace } = await outputOf(
        `import { readFileSync } from 'node:fs'; process.stdout.write(readFileSync('/proc/self/mountinfo', 'utf8'))`,
      )
      const roots = exit.stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[3] ?? '')
      // Bubblewrap's own root is called newroot; the rest is the same on every machine.
      const system =
        /^\/(usr|etc|bin|sbin|lib|lib32|lib64|libx32|null|zero|full|random|urandom|tty|newroot|sys|bus|fs|irq|sysrq-trigger|)(\/|$)/
      const own = [workspace, socket, process.execPath]
      expect(roots.filter((root) => !system.test(root) && !own.some((path) => path.endsWith(root)))).toEqual([])
      expect(roots.some((root) => workspace.endsWith(root) && root !== '/')).toBe(true)
    })
  },
)

describe.skipIf(process.platform !== 'linux')('a descriptor that the server itself was started with', () => {
  const adapters = new URL('.', import.meta.url).href
  const agent = `import { writeSync } from 'node:fs'
    let outcome = 'written'; try { writeSync(200, 'by the agent') } catch (error) { outcome = error.code }
    console.log(outcome)`

  it.each(['process', ...(problem === null ? ['bubblewrap'] : [])])('is closed in the sandbox: %s', async (name) => {
    const script = join(home, `descriptor-${name}.mjs`)
    const server = join(home, `server-${name}.ts`)
    const inherited = join(home, `inherited-${name}`)
    writeFileSync(script, agent)
    writeFileSync(
      server,
      `import { spawnSync } from 'node:child_process'
       import { systemClock } from '${adapters}../clock/system.ts'
       import { noControlGroups as groups } from '${adapters}cgroups.ts'
       import { bubblewrapSandbox } from '${adapters}bubblewrap.ts'
       import { processSandbox } from '${adapters}process.ts'
       const script = ${JSON.stringify(script)}
       const sandbox = ${JSON.stringify(name)} === 'process'
         ? processSandbox({ owner: 'descriptor', programs: { node: process.execPath, python: '' }, path: '/usr/bin:/bin', groups, clock: systemClock })
         : bubblewrapSandbox({ ...${JSON.stringify({ program: options.program, runDir: options.runDir, node: options.node })}, groups, clock: systemClock })
       const instance = await sandbox.start({ id: 'descriptor', interpreter: 'node', script, args: [], input: '', env: {},
         workspace: ${JSON.stringify(mkdtempSync(join(home, 'workspace-')))}, proxy: null,
         gateway: { address: '', socket: ${JSON.stringify(socket)} }, limits: ${JSON.stringify(limits)} })
       const exit = await instance.exited
       console.log(JSON.stringify({
         bare: spawnSync(process.execPath, [script], { encoding: 'utf8' }).stdout.trim(),
         sandboxed: exit.stdout.trim() || exit.stderr }))`,
    )
    const { stdout } = await promisify(execFile)('bash', [
      '-c',
      `exec 200>${inherited}; exec ${process.execPath} --conditions=@lictor/source ${server}`,
    ])
    // The bare process shows that the descriptor is there to be inherited.
    expect(JSON.parse(stdout)).toEqual({ bare: 'written', sandboxed: 'EBADF' })
    expect(readFileSync(inherited, 'utf8')).toBe('by the agent')
  })
})

it('a variable of the agent runs nothing before the sandbox stands', async () => {
  const workspace = mkdtempSync(join(home, 'workspace-'))
  const script = join(home, 'innocent.mjs')
  const made = join(workspace, 'made')
  const start = join(workspace, 'start.sh')
  writeFileSync(script, '')
  writeFileSync(start, `echo outside > ${made}`)
  const instance = await plain().start({
    id: 'variables',
    interpreter: 'node',
    script,
    args: [],
    input: '',
    env: { BASH_ENV: start, ENV: start, 'BASH_FUNC_echo%%': `() { touch ${made}; }` },
    workspace,
    proxy: null,
    gateway: { address: '', socket: null },
    limits,
  })
  expect(await instance.exited).toMatchObject({ code: 0, stderr: '' })
  expect(existsSync(made)).toBe(false)
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
    proxy: null,
    gateway: { address: '', socket: null },
    limits: { memory: 512 * 1024 ** 2, fileSize: 1024 ** 2, output: 65_536 },
  })
  if (process.platform !== 'linux') return instance.stop(0)
  await expect.poll(() => existsSync(ready)).toBe(true)
  expect(await plain().reap()).toBeGreaterThan(0)
  expect((await instance.exited).code).toBe(137)
  expect(readdirSync(workspace)).toEqual([])
})
