import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../test/harness.ts'
import { PROBE } from '../../../test/network-probe.ts'
import { call, world } from '../../../test/runtime.ts'
import { bubblewrapProblem, findBubblewrap } from '../../adapters/sandbox/bubblewrap.ts'

const problem = await bubblewrapProblem({
  program: findBubblewrap(),
  runDir: mkdtempSync(join(tmpdir(), 'lictor-network-')),
  node: process.execPath,
})

/** The internet of these tests. */
const names: Record<string, string[]> = {
  'allowed.example': ['127.0.0.1'],
  'other.example': ['127.0.0.1'],
  'a.wild.example': ['127.0.0.1'],
  'private.example': ['10.11.12.13'],
  'metadata.example': ['169.254.169.254'],
}

describe.skipIf(problem !== null)('the network of an agent in bubblewrap', () => {
  let t: TestServer
  let host: Server
  let host6: net.Server
  let port: number
  let port6: number
  let asked: string[]
  let reached: string[]
  const lan =
    Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.3'

  beforeEach(async () => {
    asked = []
    reached = []
    host = createServer((request, response) => {
      reached.push(request.headers.host ?? '')
      response.end('the host')
    })
    await new Promise<void>((resolve) => host.listen(0, '0.0.0.0', resolve))
    port = (host.address() as AddressInfo).port
    host6 = net.createServer((socket) => {
      reached.push('::1')
      socket.destroy()
    })
    // A machine without IPv6 has no way over it either.
    await new Promise<void>((resolve) => host6.listen(0, '::1', resolve).once('error', () => resolve()))
    port6 = (host6.address() as AddressInfo | null)?.port ?? 1
  })
  afterEach(async () => {
    await t.close()
    host.closeAllConnections()
    host.close()
    host6.close()
  })

  const open = world(async (environment) => {
    t = await startTestServer({
      environment: { ...environment, LICTOR_SANDBOX: 'bubblewrap', LICTOR_EGRESS_ALLOW: '127.0.0.1/32' },
      overrides: {
        resolve: async (name) => {
          asked.push(name)
          const found = names[name]
          if (!found) throw new Error('no such name')
          return found
        },
      },
    })
    return t
  })

  const runtimes = { node: { language: 'javascript', version: '20' }, python: { language: 'python', version: '3.12' } }

  async function probe(network: object, runtime: object = runtimes.node) {
    const w = await open(
      [
        call('write_file', { path: 'probe.mjs', content: PROBE }),
        call('run_command', { command: `node probe.mjs ${port} ${port6} ${lan}` }),
        { text: 'Done.' },
      ],
      { runtime, tools: ['write_file', 'run_command'], security: { network } },
    )
    const { events, answer } = await w.run()
    expect(answer.status).toBe('completed')
    const told = JSON.parse(w.told(events)[2] ?? '{}') as { stdout: string; stderr: string }
    expect(told.stderr).toBe('')
    return { seen: JSON.parse(told.stdout) as Record<string, string>, events }
  }

  it.each(['node', 'python'] as const)(
    'reaches the hosts that are listed and no other: by name, address, IPv6, socket or DNS (%s bootstrap)',
    async (language) => {
      const { seen, events } = await probe(
        {
          mode: 'allow',
          allowlist: ['allowed.example', '*.wild.example', 'private.example', 'metadata.example'],
        },
        runtimes[language],
      )
      expect(seen).toEqual({
        allowed: '200 the host',
        tunnel: '200',
        wild: '200 the host',
        bare: '403',
        other: expect.stringMatching(/^403 .*allowlist of this agent does not name other\.example/),
        otherTunnel: '403',
        address: expect.stringMatching(/^403 .*does not name 127\.0\.0\.2/),
        lan: '403',
        v6: '403',
        private: '403',
        metadata: expect.stringMatching(/^403 .*blocked address 169\.254\.169\.254/),
        raw: 'ECONNREFUSED',
        rawLan: expect.stringMatching(/^(ENETUNREACH|ECONNREFUSED)$/),
        raw6: expect.stringMatching(/^(ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH)$/),
        rawPublic: 'ENETUNREACH',
        name: expect.stringMatching(/^(EAI_AGAIN|ENOTFOUND|EAI_FAIL|EAI_NODATA)$/),
        dns: expect.stringMatching(/^(ECONNREFUSED|ENOTFOUND|ETIMEOUT)$/),
        datagram: 'ENETUNREACH',
      })
      expect(reached.sort()).toEqual([`a.wild.example:${port}`, `allowed.example:${port}`])
      // One question for a name that may be reached, and none for any other.
      expect(asked.sort()).toEqual([
        'a.wild.example',
        'allowed.example',
        'allowed.example',
        'metadata.example',
        'private.example',
      ])
      expect(
        events
          .filter(({ type }) => type === 'network_access_denied')
          .map(({ host: name, port: number, iteration_number }) => [name, number, iteration_number]),
      ).toEqual([
        ['wild.example', port, 1],
        ['other.example', port, 1],
        ['127.0.0.2', port, 1],
        [lan, port, 1],
        ['[::1]', port6, 1],
        ['private.example', 80, 1],
        ['metadata.example', 80, 1],
      ])
    },
  )

  it('programs find the way by themselves', async () => {
    const url = `http://allowed.example:${port}/`
    const programs = {
      curl: `curl -sS ${url}`,
      python: `python3 -c "import urllib.request; print(urllib.request.urlopen('${url}').read().decode(), end='')"`,
      node: `/opt/lictor/bin/node -e "fetch('${url}').then((answer) => answer.text()).then((text) => process.stdout.write(text))"`,
    }
    const w = await open(
      [
        ...Object.values(programs).map((command) => call('run_command', { command })),
        call('run_command', { command: 'command -v curl' }),
        { text: 'Done.' },
      ],
      { tools: ['run_command'], security: { network: { allowlist: ['allowed.example'] } } },
    )
    const { events } = await w.run()
    const [curl, python, node, isCurlThere] = w
      .told(events)
      .slice(1)
      .map((text) => JSON.parse(text))
    if (isCurlThere.exit_code === 0) expect(curl.stdout).toBe('the host')
    expect(python.stdout).toBe('the host')
    expect(node.stdout).toBe('the host')
  })

  it('everything but what is denied', async () => {
    const { seen } = await probe({ mode: 'deny', denylist: ['other.example', '*.wild.example'] })
    expect(seen).toMatchObject({ allowed: '200 the host', tunnel: '200', otherTunnel: '403', raw: 'ECONNREFUSED' })
    expect(seen.wild).toMatch(/^403 .*denylist of this agent names a\.wild\.example/)
    expect(seen.metadata).toMatch(/^403 .*blocked address/)
  })

  it.each([
    ['none', { mode: 'none', allowlist: ['*'] }],
    ['an empty list of hosts', { mode: 'allow', allowlist: [] }],
    ['nothing said', {}],
  ])('nothing at all: %s', async (_what, network) => {
    const { seen } = await probe(network)
    expect(seen.allowed).toMatch(/^(ENOTFOUND|EAI_AGAIN|EAI_FAIL|EAI_NODATA)$/)
    expect(seen).toMatchObject({ tunnel: 'ECONNREFUSED', raw: 'ECONNREFUSED' })
    expect([reached, asked]).toEqual([[], []])
  })

  it('the way out goes with the attempt', async () => {
    const w = await open([call('run_command', { command: 'true' }), { text: 'Done.' }], {
      tools: ['run_command'],
      security: { network: { mode: 'allow', allowlist: ['*'] } },
    })
    await w.run()
    const folder = join(t.environment.LICTOR_DATA_DIR ?? '', 'run')
    await expect.poll(() => readdirSync(folder)).toEqual(['gateway.sock'])
    writeFileSync(join(folder, 'e-left.sock'), '')
    await t.restart()
    await t.listen()
    expect(readdirSync(folder)).toEqual(['gateway.sock'])
  })
})

describe('the network of an agent in a plain process', () => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await startTestServer({ environment: { ...environment, LICTOR_SANDBOX: 'process' } })
    return t
  })

  it.each([
    { mode: 'none' },
    { mode: 'allow', allowlist: ['allowed.example'] },
    { mode: 'deny', denylist: ['other.example'] },
  ])('a manifest that restricts it is refused rather than run without: %j', async (network) => {
    const w = await open([{ text: 'Done.' }], { security: { network }, execution: { mode: 'one-shot' } })
    const { answer } = await w.run()
    expect(answer.status).toBe('failed')
    expect(answer.error).toContain(
      "spec.security.network restricts what this agent reaches, which the sandbox 'process' of this server cannot enforce",
    )
  })

  it('whoever deploys a manifest that restricts it is warned, and nobody else', async () => {
    const w = await open([{ text: 'Done.' }], {})
    const warnings = async (name: string, spec: object) => {
      const manifest = {
        apiVersion: '100monkeys.ai/v1',
        kind: 'Agent',
        metadata: { name, version: '1.0.0' },
        spec: { runtime: { language: 'python', version: '3.12' }, task: { instruction: 'Work.' }, ...spec },
      }
      const answer = await t.request({ method: 'POST', url: '/v1/agents', headers: w.headers, payload: manifest })
      return answer.json<{ warnings: string[] }>().warnings
    }
    const refused = expect.stringContaining('it will refuse to execute this agent')
    const security = (network: object) => ({ security: { network } })
    expect(await warnings('none', security({ mode: 'none' }))).toEqual([refused])
    expect(await warnings('some', security({ mode: 'allow', allowlist: ['allowed.example'] }))).toEqual([refused])
    expect(await warnings('all', security({ mode: 'allow', allowlist: ['*'] }))).toEqual([])
    const runtime = { language: 'python', version: '3.12', isolation: 'docker' }
    expect(await warnings('contained', { ...security({ mode: 'none' }), runtime })).toEqual([])
  })

  it('a manifest that says nothing of it runs', async () => {
    const w = await open([{ text: 'Done.' }], {})
    expect((await w.run()).answer.status).toBe('completed')
  })
})
