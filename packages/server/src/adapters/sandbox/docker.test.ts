import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { dockerProblem, importTestImage, startEngine, TEST_IMAGE, type TestEngine } from '../../../test/docker.ts'
import { type ImageRegistry, startRegistry } from '../../../test/image-registry.ts'
import { manualClock } from '../../../test/manual-clock.ts'
import { type ImagePull, type InstanceSpec, type Sandbox, SandboxError } from '../../ports/sandbox.ts'
import { systemClock } from '../clock/system.ts'
import { openDockerSandbox } from './choose.ts'
import { dockerSandbox } from './docker.ts'
import { createImages, type RegistryLogin } from './docker-images.ts'
import { ownMark } from './process-mark.ts'

const BARE_IMAGE = 'lictor/bare:1'

describe.skipIf(dockerProblem !== null)('containers of a Docker Engine', () => {
  let docker: TestEngine
  let registry: ImageRegistry
  let home: string
  let socket: string
  const gateway = createServer((_request, response) => response.end('gateway'))

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'lictor-containers-'))
    socket = join(home, 'gateway.sock')
    await new Promise<void>((resolve) => gateway.listen(socket, resolve))
    docker = await startEngine()
    await importTestImage(docker.engine)
    await importTestImage(docker.engine, BARE_IMAGE, true)
  }, 120_000)
  afterAll(async () => {
    gateway.close()
    await docker.stop()
    rmSync(home, { recursive: true, force: true })
  })
  beforeEach(async () => {
    registry = await startRegistry()
  })
  afterEach(async () => {
    await registry.close()
    for (const { Id } of await containers()) await docker.engine.getContainer(Id).remove({ force: true })
  })

  const containers = () => docker.engine.listContainers({ all: true })
  const images = (logins: Record<string, RegistryLogin> = {}, clock = systemClock) =>
    createImages({ engine: docker.engine, logins, clock })

  const sandboxOf = (owner = 'one', mark = ownMark()): Sandbox =>
    dockerSandbox({
      engine: docker.engine,
      images: images(),
      owner,
      mark,
      runtime: '',
      clock: systemClock,
      onStuck: (container, reason) => expect.unreachable(`${container}: ${reason}`),
    })

  function specOf(code: string, change: Partial<InstanceSpec> = {}): InstanceSpec {
    const id = `i-${Math.random().toString(36).slice(2)}`
    const script = join(home, `${id}.mjs`)
    writeFileSync(script, code)
    return {
      id,
      interpreter: 'node',
      script,
      args: [],
      input: '',
      env: {},
      workspace: mkdtempSync(join(home, 'workspace-')),
      gateway: { address: '', socket },
      proxy: null,
      limits: { memory: 512 * 1024 ** 2, fileSize: 64 * 1024 ** 2, output: 65_536 },
      image: { name: TEST_IMAGE, pullPolicy: 'Never' },
      ...change,
    }
  }

  it('has no network, no capability, no way to more, nothing of this machine and nothing to write but its folders', async () => {
    const secret = join(home, 'secret')
    writeFileSync(secret, 'of this machine')
    const instance = await sandboxOf().start(
      specOf(
        `import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'; import { connect } from 'node:net'; import { networkInterfaces } from 'node:os'
         const attempt = (act) => { try { return act() ?? 'done' } catch (error) { return error.code } }
         const status = readFileSync('/proc/self/status', 'utf8'); const field = (name) => new RegExp(name + ':\\\\s*(\\\\S+)').exec(status)[1]
         const tcp = await new Promise((resolve) => connect(80, '93.184.216.34').on('connect', () => resolve('connected')).on('error', (error) => resolve(error.code)))
         console.log(JSON.stringify({ tcp, interfaces: Object.keys(networkInterfaces()),
           effective: field('CapEff'), bounding: field('CapBnd'), privileges: field('NoNewPrivs'), seccomp: field('Seccomp'),
           secret: existsSync(process.argv[2]), engine: existsSync('/var/run/docker.sock'),
           root: attempt(() => writeFileSync('/made', '')), etc: attempt(() => writeFileSync('/etc/made', '')), opt: attempt(() => writeFileSync('/opt/lictor/bootstrap.mjs', '')),
           tmp: attempt(() => writeFileSync('/tmp/made', '')), workspace: attempt(() => writeFileSync('made', '')),
           uid: process.getuid(), processes: readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).length }))`,
        { args: [secret] },
      ),
    )
    const exit = await instance.exited
    expect(exit.stderr).toBe('')
    expect(JSON.parse(exit.stdout)).toEqual({
      tcp: 'ENETUNREACH',
      interfaces: ['lo'],
      effective: '0000000000000000',
      bounding: '0000000000000000',
      privileges: '1',
      seccomp: '2',
      secret: false,
      engine: false,
      root: 'EROFS',
      etc: 'EROFS',
      opt: 'EROFS',
      tmp: 'done',
      workspace: 'done',
      uid: process.getuid?.(),
      processes: 2,
    })
  })

  it('what is read-only of the workspace cannot be written', async () => {
    const spec = specOf(
      `import { readFileSync, writeFileSync } from 'node:fs'
       const attempt = (act) => { try { act(); return 'done' } catch (error) { return error.code } }
       console.log(readFileSync('data/given', 'utf8'), attempt(() => writeFileSync('data/made', '')), attempt(() => writeFileSync('made', '')))`,
      { readOnly: ['data'] },
    )
    mkdirSync(join(spec.workspace, 'data'))
    writeFileSync(join(spec.workspace, 'data', 'given'), 'read')
    expect(await (await sandboxOf().start(spec)).exited).toMatchObject({ code: 0, stdout: 'read EROFS done\n' })
  })

  it('says on the machine whose container it is, and leaves none behind', async () => {
    const instance = await sandboxOf().start(specOf('setInterval(() => {}, 1000)', { executionId: 'execution-7' }))
    const [container] = await containers()
    expect(container?.Labels).toMatchObject({
      'aegis.managed': 'true',
      'aegis.runtime': 'docker',
      'aegis.container_kind': 'agent',
      'aegis.execution_id': 'execution-7',
      'aegis.keep_container_on_failure': 'false',
      'lictor.owner': 'one',
    })
    await instance.stop(0)
    expect(await containers()).toEqual([])
  })

  it.each([
    ['its own', 'process.exit(7)', 7],
    ['of a signal it gave itself', "process.kill(process.pid, 'SIGKILL')", 137],
  ])('tells the exit code: %s', async (_what, code, expected) => {
    expect((await (await sandboxOf().start(specOf(code))).exited).code).toBe(expected)
  })

  it('a stop is heard by the program, which is not the first process', async () => {
    const instance = await sandboxOf().start(
      specOf(
        `import { writeFileSync } from 'node:fs'
         process.on('SIGTERM', () => { console.log('heard'); process.exit(3) }); writeFileSync('ready', ''); setInterval(() => {}, 1000)`,
        { workspace: join(home) },
      ),
    )
    while (!existsSync(join(home, 'ready'))) await new Promise((resolve) => setTimeout(resolve, 5))
    await instance.stop(5_000)
    expect(await instance.exited).toMatchObject({ code: 3, stdout: 'heard\n' })
  })

  it('one that does not heed is ended, with everything in it', async () => {
    const spec = specOf(
      `import { spawn } from 'node:child_process'
       process.on('SIGTERM', () => {})
       spawn('sh', ['-c', 'trap "" TERM; i=0; while true; do i=$((i+1)); echo $i > beat; sleep 0.02; done'], { detached: true, stdio: 'ignore' }).unref()
       setInterval(() => {}, 1000)`,
    )
    const instance = await sandboxOf().start(spec)
    while (!existsSync(join(spec.workspace, 'beat'))) await new Promise((resolve) => setTimeout(resolve, 5))
    await instance.stop(100)
    expect((await instance.exited).code).toBe(137)
    const last = readFileSync(join(spec.workspace, 'beat'), 'utf8')
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(readFileSync(join(spec.workspace, 'beat'), 'utf8')).toBe(last)
  })

  it('memory beyond the limit ends it with the code and the words for it', async () => {
    const instance = await sandboxOf().start(
      specOf(`const kept = []; for (;;) kept.push(Buffer.alloc(16 * 1024 ** 2, 1))`, {
        limits: { memory: 96 * 1024 ** 2, fileSize: 1024 ** 2, output: 65_536 },
      }),
    )
    expect(await instance.exited).toMatchObject({
      code: 137,
      stderr: expect.stringContaining('100663296 bytes of memory'),
    })
  })

  it('its share of a processor is what the engine was told', async () => {
    const spec = specOf('setInterval(() => {}, 1000)', {
      limits: { memory: 96 * 1024 ** 2, fileSize: 1024 ** 2, output: 65_536, cpu: 250, processes: 33 },
    })
    const instance = await sandboxOf().start(spec)
    const { HostConfig } = await docker.engine.getContainer(`lictor-${spec.id}`).inspect()
    expect(HostConfig).toMatchObject({ NanoCpus: 250_000_000, PidsLimit: 33, MemorySwap: 96 * 1024 ** 2 })
    await instance.stop(0)
  })

  it('an image without the interpreter is started by the other one, and one without either says what it lacks', async () => {
    const spec = specOf(`console.log('by node')`)
    const python = { ...spec, interpreter: 'python' as const, script: join(home, 'never.py') }
    writeFileSync(python.script, 'print("by python")')
    const other = { interpreter: 'node' as const, script: spec.script }
    expect(await (await sandboxOf().start({ ...python, otherwise: other })).exited).toMatchObject({
      code: 0,
      stdout: 'by node\n',
    })
    const bare = { ...python, id: 'bare', otherwise: other, image: { name: BARE_IMAGE, pullPolicy: 'Never' as const } }
    expect(await (await sandboxOf().start(bare)).exited).toMatchObject({
      code: 127,
      stderr: expect.stringContaining('This image has neither of the interpreters'),
    })
  })

  it('at the start of a server what its earlier process left goes, what a dead one left goes, and what a live one runs stays', async () => {
    const idle = 'setInterval(() => {}, 1000)'
    const dead = spawn(process.execPath, [
      '--conditions=@lictor/source',
      '-e',
      `import('${new URL('process-mark.ts', import.meta.url).href}').then(({ ownMark }) => console.log(ownMark()))`,
    ])
    const [printed] = (await once(dead.stdout, 'data')) as [Buffer]
    await once(dead, 'exit')
    const marks = { dead: printed.toString().trim(), live: ownMark(), unknown: '' }
    expect(marks.dead.split('/')).toHaveLength(4)
    const reused = ownMark().replace(/\d+$/, '1')
    const rebooted = ownMark().replace(/^[^/]+/, '00000000-0000-0000-0000-000000000000')
    await sandboxOf('one').start(specOf(idle, { id: 'mine' }))
    await sandboxOf('two', marks.dead).start(specOf(idle, { id: 'dead' }))
    await sandboxOf('three', reused).start(specOf(idle, { id: 'reused' }))
    await sandboxOf('four', rebooted).start(specOf(idle, { id: 'rebooted' }))
    await sandboxOf('five', marks.live).start(specOf(idle, { id: 'live' }))
    await sandboxOf('six', marks.unknown).start(specOf(idle, { id: 'unknown' }))
    const foreign = await docker.engine.createContainer({ Image: TEST_IMAGE, name: 'foreign', Cmd: ['sleep', '1'] })
    expect(await sandboxOf('one').reap()).toBe(4)
    expect((await containers()).flatMap(({ Names }) => Names).sort()).toEqual([
      '/foreign',
      '/lictor-live',
      '/lictor-unknown',
    ])
    await foreign.remove()
  })

  it('an engine that is not there is told with what to do', async () => {
    await expect(
      openDockerSandbox({
        socket: join(home, 'no.sock'),
        runtime: '',
        logins: {},
        owner: 'one',
        clock: systemClock,
        logger: { warn: () => {} },
      }),
    ).rejects.toThrow(
      /there is no socket of a Docker Engine. Start the Docker Engine, or name its socket in LICTOR_DOCKER_SOCKET/,
    )
  })

  it('a runtime that the engine does not have refuses the start, and leaves no container', async () => {
    const sandbox = await openDockerSandbox({
      socket: docker.socket,
      runtime: 'no-such-runtime',
      logins: {},
      owner: 'one',
      clock: systemClock,
      logger: { warn: () => {} },
    })
    await expect(sandbox.start(specOf(''))).rejects.toThrow(/no-such-runtime/)
    expect(await containers()).toEqual([])
  })

  describe('pulls', () => {
    let pulls: ImagePull[]
    const told = (pull: ImagePull) => pulls.push(pull)
    const kinds = () => pulls.map((pull) => (pull.kind === 'completed' ? pull.source : pull.kind))
    beforeEach(() => {
      pulls = []
    })

    it('IfNotPresent: an image is pulled once, and run', async () => {
      const name = `${registry.host}/some/agent:1`
      const spec = specOf('', { image: { name, pullPolicy: 'IfNotPresent' }, onPull: told })
      expect((await (await sandboxOf().start(spec)).exited).code).toBe(127)
      expect(kinds()).toEqual(['started', 'Downloaded'])
      const asked = registry.requests.length
      await (await sandboxOf().start({ ...spec, id: 'again' })).exited
      expect(kinds()).toEqual(['started', 'Downloaded', 'started', 'Cached'])
      expect(registry.requests).toHaveLength(asked)
    })

    it('Always: the registry is asked each time', async () => {
      const image = { name: `${registry.host}/some/agent:2`, pullPolicy: 'Always' as const }
      await images().provide(image, told)
      const asked = registry.requests.length
      await images().provide(image, told)
      expect(kinds()).toEqual(['started', 'Downloaded', 'started', 'Downloaded'])
      expect(registry.requests.length).toBeGreaterThan(asked)
    })

    it('Never: an image that is not here is refused, and nobody is asked', async () => {
      const image = { name: `${registry.host}/some/agent:3`, pullPolicy: 'Never' as const }
      await expect(sandboxOf().start(specOf('', { image, onPull: told }))).rejects.toThrow(
        `The image '${image.name}' is not on this machine, and its image_pull_policy is 'Never'.`,
      )
      expect(registry.requests).toEqual([])
      expect(kinds()).toEqual(['started', 'failed'])
    })

    it('those who need the same image at once wait for one pull', async () => {
      const image = { name: `${registry.host}/some/shared:1`, pullPolicy: 'Always' as const }
      const one = images()
      await Promise.all([one.provide(image, told), one.provide(image, told), one.provide(image, told)])
      expect(registry.requests.filter((request) => request === 'GET /v2/')).toHaveLength(1)
      expect(kinds().filter((kind) => kind === 'Downloaded')).toHaveLength(3)
    })

    it('a name without a tag is one image, not all there are', async () => {
      await images().provide({ name: `${registry.host}/some/untagged`, pullPolicy: 'IfNotPresent' }, told)
      expect(registry.requests.filter((request) => request.includes('/tags/'))).toEqual([])
      expect((await docker.engine.getImage(`${registry.host}/some/untagged:latest`).inspect()).Id).toMatch(/^sha256:/)
    })

    it.each(['missing', 'unreachable'])('a pull that fails says why: %s', async (what) => {
      const name = what === 'missing' ? `${registry.host}/some/agent:missing` : '127.0.0.1:1/some/agent:1'
      const failed = images().provide({ name, pullPolicy: 'IfNotPresent' }, told)
      await expect(failed).rejects.toThrow(SandboxError)
      await expect(failed).rejects.toThrow(
        what === 'missing'
          ? /could not be pulled: .*not found|manifest unknown/
          : /could not be pulled: .*connection refused/,
      )
      expect(kinds()).toEqual(['started', 'failed'])
    })

    it('a registry is logged in to by the longest name that fits', async () => {
      registry.login = 'right:secret'
      const name = `${registry.host}/team/agent:1`
      const image = { name, pullPolicy: 'Always' as const }
      const wrong = { username: 'wrong', password: 'wrong' }
      const failed = images({ [registry.host]: wrong }).provide(image)
      await expect(failed).rejects.toThrow(/could not be pulled/)
      await expect(failed).rejects.not.toThrow(/secret/)
      const logins = { [registry.host]: wrong, [`${registry.host}/team`]: { username: 'right', password: 'secret' } }
      await images(logins).provide(image, told)
      expect(kinds()).toEqual(['started', 'Downloaded'])
    })

    it('a pull that does not end is given up after 180 seconds', async () => {
      registry.isSilent = true
      const clock = manualClock()
      const failed = images({}, clock).provide({ name: `${registry.host}/slow/agent:1`, pullPolicy: 'Always' })
      const expected = expect(failed).rejects.toThrow('it was not complete after 180 seconds')
      await expect.poll(() => registry.requests.length).toBeGreaterThan(0)
      await clock.advance(181_000)
      await expected
    })

    it('who gives up while an image is pulled does not wait for it', async () => {
      registry.isSilent = true
      const cancel = new AbortController()
      const image = { name: `${registry.host}/slow/agent:2`, pullPolicy: 'Always' as const }
      const started = sandboxOf().start(specOf('', { image, signal: cancel.signal }))
      await expect.poll(() => registry.requests.length).toBeGreaterThan(0)
      cancel.abort(new Error('cancelled'))
      await expect(started).rejects.toThrow('cancelled')
    })
  })
})
