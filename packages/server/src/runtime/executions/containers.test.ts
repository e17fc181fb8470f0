import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { dockerProblem, importTestImage, startEngine, TEST_IMAGE, type TestEngine } from '../../../test/docker.ts'
import { startTestServer, type TestServer } from '../../../test/harness.ts'
import { PROBE } from '../../../test/network-probe.ts'
import { call, files, types, world } from '../../../test/runtime.ts'

let t: TestServer
const runtime = { image: TEST_IMAGE, image_pull_policy: 'Never', isolation: 'docker' }

describe.skipIf(dockerProblem !== null)('executions in containers', () => {
  let docker: TestEngine
  let host: Server
  let port: number
  beforeAll(async () => {
    docker = await startEngine()
    await importTestImage(docker.engine)
    host = createServer((_request, response) => response.end('the host'))
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve))
    port = (host.address() as AddressInfo).port
  }, 120_000)
  afterEach(() => t.close())
  afterAll(async () => {
    host.close()
    await docker.stop()
  })

  const containers = () => docker.engine.listContainers({ all: true })
  const openWith = (settings: Record<string, string>) =>
    world(async (environment) => {
      t = await startTestServer({
        environment: { ...environment, LICTOR_DOCKER_SOCKET: docker.socket, ...settings },
        overrides: {
          resolve: async (name) => {
            if (name === 'private.example') return ['10.1.2.3']
            if (name.endsWith('.example')) return ['127.0.0.1']
            throw new Error('no such name')
          },
        },
      })
      return t
    })
  const open = openWith({ LICTOR_SANDBOX: 'process', LICTOR_EGRESS_ALLOW: '127.0.0.1/32' })

  it('an agent that asks for one has one, and its files are those of the file tools', async () => {
    const w = await open(
      [
        call('write_file', { path: 'in.txt', content: 'from the server' }),
        call('run_command', { command: 'cat in.txt; cat /proc/1/comm; echo "from the container" > out.txt' }),
        call('read_file', { path: 'out.txt' }),
        { text: 'Done.' },
      ],
      { runtime, tools: ['run_command', ...files] },
    )
    const { answer, events, id } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', output: 'Done.' })
    expect(JSON.parse(w.told(events)[2] ?? '{}').stdout).toBe('from the serverdocker-init\n')
    expect(w.told(events)[3]).toContain('from the container')
    expect(
      events
        .filter(({ type }) => type.startsWith('image_pull'))
        .map(({ type, image, source, pull_policy }) => [type, image, source ?? pull_policy]),
    ).toEqual([
      ['image_pull_started', TEST_IMAGE, 'Never'],
      ['image_pull_completed', TEST_IMAGE, 'Cached'],
    ])
    expect(events.find(({ type }) => type === 'image_pull_started')).toMatchObject({
      category: 'image_management',
      execution_id: id,
    })
    expect(await containers()).toEqual([])
  })

  it('volumes are mounted in one: what is written is kept, and what is read-only cannot be written', async () => {
    const w = await open(
      [
        call('run_command', {
          command:
            'cat data/in.txt; echo more >> data/in.txt; mkdir data/deep; echo new > data/deep/out.txt; rm data/old.txt',
        }),
        call('run_command', {
          command: 'cat fixed/in.txt; echo x >> fixed/in.txt; rm fixed/in.txt; touch fixed/new.txt',
        }),
        call('read_file', { path: 'data/deep/out.txt' }),
        { text: 'Done.' },
      ],
      {
        runtime,
        tools: ['run_command', 'read_file'],
        volumes: [
          { name: 'data', storage_class: 'persistent', mount_path: '/workspace/data' },
          { name: 'fixed', storage_class: 'persistent', mount_path: '/workspace/fixed', access_mode: 'read-only' },
        ],
      },
    )
    const volume = async (label: string, files: Record<string, string>) => {
      const made = await t.request({ method: 'POST', url: '/v1/volumes', headers: w.headers, payload: { label } })
      const { id } = made.json<{ id: string }>()
      for (const [path, payload] of Object.entries(files))
        await t.request({
          method: 'POST',
          url: `/v1/volumes/${id}/files/upload?path=${path}`,
          headers: { ...w.headers, 'content-type': 'application/octet-stream' },
          payload,
        })
      return async (path: string) => {
        const url = `/v1/volumes/${id}/files/download?path=${path}`
        const answer = await t.request({ method: 'GET', url, headers: w.headers })
        return answer.statusCode === 200 ? answer.body : answer.statusCode
      }
    }
    const data = await volume('data', { 'in.txt': 'one\n', 'old.txt': 'old' })
    const fixed = await volume('fixed', { 'in.txt': 'kept\n' })
    const { answer, events } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', error: null })
    const [first, second] = w
      .told(events)
      .slice(1, 3)
      .map((one) => JSON.parse(one))
    expect(first).toMatchObject({ stdout: 'one\n', stderr: '', exit_code: 0 })
    expect(second.stdout).toBe('kept\n')
    expect(second.stderr.match(/Read-only file system/g)).toHaveLength(3)
    expect(w.told(events)[3]).toContain('new')
    expect(await Promise.all(['in.txt', 'deep/out.txt', 'old.txt'].map(data))).toEqual(['one\nmore\n', 'new\n', 404])
    expect(await Promise.all(['in.txt', 'new.txt'].map(fixed))).toEqual(['kept\n', 404])
    expect(await containers()).toEqual([])
  })

  it('reaches the hosts that are listed and no other', async () => {
    const w = await open(
      [
        call('write_file', { path: 'probe.mjs', content: PROBE }),
        call('run_command', { command: `node probe.mjs ${port} 1 127.0.0.3` }),
        { text: 'Done.' },
      ],
      {
        runtime,
        tools: ['write_file', 'run_command'],
        security: {
          network: { allowlist: ['allowed.example', '*.wild.example', 'private.example', 'metadata.example'] },
        },
      },
    )
    const { events } = await w.run()
    const told = JSON.parse(w.told(events)[2] ?? '{}') as { stdout: string; stderr: string }
    expect(told.stderr).toBe('')
    expect(JSON.parse(told.stdout)).toMatchObject({
      allowed: '200 the host',
      tunnel: '200',
      wild: '200 the host',
      bare: '403',
      otherTunnel: '403',
      lan: '403',
      v6: '403',
      private: '403',
      raw: 'ECONNREFUSED',
      rawLan: 'ECONNREFUSED',
      rawPublic: 'ENETUNREACH',
      datagram: 'ENETUNREACH',
    })
  })

  it('cancelling ends the container and everything in it', async () => {
    const w = await open([call('run_command', { command: 'sleep 1000' }), { text: 'never' }], {
      runtime,
      tools: ['run_command'],
    })
    const id = await w.start()
    await expect
      .poll(async () => (await containers()).map(({ State }) => State), { timeout: 10_000 })
      .toEqual(['running'])
    expect((await containers())[0]?.Labels['aegis.execution_id']).toBe(id)
    await t.request({ method: 'POST', url: `/v1/executions/${id}/cancel`, headers: w.headers, payload: {} })
    expect(types(await w.events(id)).at(-1)).toBe('execution_cancelled')
    await expect.poll(containers, { timeout: 10_000 }).toEqual([])
  })

  it('a bootstrap of its own talks plain HTTP to the gateway, and through the proxy to hosts that are listed', async () => {
    const own = readFileSync(new URL('../../../../../examples/custom-bootstrap/bootstrap.mjs', import.meta.url), 'utf8')
    const asking = own.replace(
      'console.log(',
      `const host = await fetch('http://allowed.example:${port}/').then((answer) => answer.text())
       console.log(host, `,
    )
    await importTestImage(docker.engine, 'lictor/own:1', false, { 'opt/bootstrap.mjs': asking })
    const w = await open([call('run_command', { command: 'echo ran > ran.txt; cat ran.txt' }), { text: 'Done.' }], {
      runtime: { ...runtime, image: 'lictor/own:1' },
      tools: ['run_command'],
      advanced: { bootstrap_path: '/opt/bootstrap.mjs', warm_pool_size: 2 },
      security: { network: { allowlist: ['allowed.example'] } },
    })
    const { answer, events } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', output: 'the host [by its own bootstrap] Done.' })
    expect(w.told(events)[0]).toContain('Files in /workspace: none.')
    expect(JSON.parse(w.told(events)[1] ?? '{}').stdout).toBe('ran\n')
  })

  it('a bootstrap that the image does not have is named', async () => {
    const w = await open([{ text: 'never' }], {
      runtime,
      execution: { mode: 'one-shot' },
      advanced: { bootstrap_path: '/opt/absent.py' },
    })
    expect((await w.run()).answer.error).toContain('there is no file /opt/absent.py in this container')
  })

  it('one in a container that waited finds nothing of another execution', async () => {
    const w = await open(
      [call('run_command', { command: 'ls -A /workspace /tmp; touch mine /tmp/mine' }), { text: 'Done.' }],
      {
        runtime,
        tools: ['run_command'],
        advanced: { warm_pool_size: 1 },
      },
    )
    for (const isWarm of [false, true]) {
      const { events } = await w.run()
      expect(events.find(({ type }) => type === 'instance_spawned')).toMatchObject({ warm: isWarm })
      expect(JSON.parse(w.told(events)[1] ?? '{}').stdout).toBe('/tmp:\n\n/workspace:\n')
      await expect.poll(async () => (await containers()).map(({ State }) => State)).toEqual(['running'])
    }
    await t.server.close()
    expect(await containers()).toEqual([])
  })

  it('an image that is not here fails the execution with its reason, and an event says so', async () => {
    const w = await open([{ text: 'never' }], {
      runtime: { ...runtime, image: 'lictor/absent:1' },
      execution: { mode: 'one-shot' },
    })
    const { answer, events } = await w.run()
    expect(answer.error).toContain("The image 'lictor/absent:1' is not on this machine")
    expect(events.find(({ type }) => type === 'image_pull_failed')).toMatchObject({ image: 'lictor/absent:1' })
  })

  it('with LICTOR_SANDBOX=docker every agent runs in a container', async () => {
    const w = await openWith({ LICTOR_SANDBOX: 'docker' })(
      [call('run_command', { command: 'cat /proc/1/comm' }), { text: 'Done.' }],
      {
        runtime: { ...runtime, isolation: 'inherit' },
        tools: ['run_command'],
        security: { network: { mode: 'none' } },
      },
    )
    const { events } = await w.run()
    expect(JSON.parse(w.told(events)[1] ?? '{}').stdout).toBe('docker-init\n')
  })
})

describe('executions that ask for what this server does not have', () => {
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await startTestServer({
      environment: { ...environment, LICTOR_SANDBOX: 'process', LICTOR_DOCKER_SOCKET: '/nowhere/docker.sock' },
    })
    return t
  })

  it.each([
    ['a container without an engine', runtime, 'no container can be started: there is no socket of a Docker Engine'],
    [
      'an image without a container',
      { image: TEST_IMAGE },
      `spec.runtime.image '${TEST_IMAGE}' needs a sandbox that has images`,
    ],
  ])('%s fails with what to do', async (_what, asked, reason) => {
    const w = await open([{ text: 'never' }], { runtime: asked, execution: { mode: 'one-shot' } })
    const { answer } = await w.run()
    expect(answer.status).toBe('failed')
    expect(answer.error).toContain(reason)
  })

  it('a virtual machine is refused when it is executed, and told when it is deployed', async () => {
    const w = await open([{ text: 'never' }], {
      runtime: { language: 'javascript', version: '20', isolation: 'firecracker' },
    })
    const answer = await t.request({
      method: 'POST',
      url: '/v1/executions',
      headers: w.headers,
      payload: { agent_id: w.agent, input: 'go' },
    })
    expect(answer.statusCode).toBeGreaterThanOrEqual(400)
    expect(answer.body).toContain('this server has no virtual machines')
  })
})

describe('a server that is to run agents in containers', () => {
  it('does not start without an engine', async () => {
    const server = await startTestServer({
      environment: { LICTOR_SANDBOX: 'docker', LICTOR_DOCKER_SOCKET: '/nowhere/docker.sock' },
    })
    await expect(server.listen()).rejects.toThrow(/LICTOR_SANDBOX is 'docker', but no container can be started/)
    await server.close()
  })

  it.each(['{', '[]', '{"a": 1}', '{"ghcr.io": {"username": "x"}}'])(
    'does not start with logins that are none: %s',
    async (text) => {
      await expect(startTestServer({ environment: { LICTOR_REGISTRY_LOGINS: text } })).rejects.toThrow(
        /^LICTOR_REGISTRY_LOGINS .*it takes JSON such as/,
      )
    },
  )
})
