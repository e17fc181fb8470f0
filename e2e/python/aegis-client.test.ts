import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import {
  type AuthorizationServer,
  CLIENT,
  REDIRECT_URI,
  startAuthorizationServer,
} from '../../packages/server/test/authorization-server.ts'
import type {} from '../../packages/server/test/databases.global.ts'
import { createDatabase } from '../support/databases.ts'
import { type Administrator, administrator, root, type ServerProcess, startServer } from '../support/server.ts'

const hasPython = spawnSync('python3', ['--version']).status === 0
if (!hasPython && process.env.CI) throw new Error('python3 is not installed, and CI runs its suite.')

const scenario = join(root, 'e2e/python/aegis_scenario.py')
const run = promisify(execFile)
/** What the scenario has: its groups in their order, and the methods of the client. */
const offered = () =>
  JSON.parse(spawnSync('python3', [scenario], { env: { ...process.env, LICTOR_URL: '' } }).stdout.toString()) as {
    groups: string[]
    methods: string[]
  }

const call = (name: string, args: object) => ({ name, arguments: args })
const turns = [
  {
    when: { agent: 'executions' },
    tool_calls: [call('fs.write', { path: 'out/a b.txt', content: 'Grün\n' })],
  },
  { when: { agent: 'executions' }, text: 'a\u2028b\u2029c\u0085d\u001ce' },
  { when: { agent: 'slow' }, text: 'late', delay_ms: 3_600_000 },
  { when: { agent: 'asker' }, tool_calls: [call('fs.write', { path: 'a.txt', content: 'x' })] },
  // In hexadecimal, because what an agent was given is masked in all that is told of it.
  {
    when: { agent: 'shower' },
    tool_calls: [call('cmd.run', { command: 'printf %s "$TOKEN" | od -An -v -tx1' })],
  },
  {
    when: { agent: 'dispatched' },
    tool_calls: [
      call('fs.write', { path: 'a.txt', content: 'x' }),
      call('cmd.run', { command: 'make', args: ['all'] }),
    ],
  },
  { when: { agent: 'dispatched' }, text: 'Made.' },
  { text: 'Done.' },
]
const rules = `apiVersion: edictum/v1
kind: ContractBundle
metadata: { name: asking }
defaults: { mode: enforce }
contracts:
  - id: ask
    type: pre
    tool: fs.write
    when: { args.path: { exists: true } }
    then: { effect: approve, message: "Write {args.path}?", timeout: 600 }
`

/** Characters beyond ASCII as escapes, so that no reader of YAML takes one for the end of a line. */
const asAscii = (value: unknown) =>
  JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** What an operator sets up: contracts for one agent, and a provider to sign in at. */
async function setUp(admin: Administrator, issuer: string): Promise<void> {
  await admin.call('PUT', '/v1/credentials/providers/local', {
    issuer,
    client_id: CLIENT.id,
    client_secret: CLIENT.secret,
    scopes: ['openid', 'offline_access', 'files'],
    redirect_uris: [REDIRECT_URI],
    parameters: { prompt: 'consent' },
  })
  await admin.deploy(rules)
  await admin.call('POST', '/api/v1/assignment-rules', {
    priority: 1,
    pattern: 'asker',
    bundle_name: 'asking',
    env: 'production',
  })
}

// The SDK itself is not in the package registry (the name belongs to another product): its wire is replayed as the specification describes it.
describe.skipIf(!hasPython)('a client that speaks as the AEGIS SDK for Python does', () => {
  const { groups, methods } = hasPython ? offered() : { groups: [], methods: [] }
  let provider: AuthorizationServer
  let folder: string
  beforeAll(async () => {
    provider = await startAuthorizationServer()
    folder = mkdtempSync(join(tmpdir(), 'lictor-wire-'))
    writeFileSync(join(folder, 'turns.yaml'), `turns: ${asAscii(turns)}\n`)
    writeFileSync(join(folder, 'idle.py'), 'import time\nwhile True:\n    time.sleep(1)\n')
  })
  afterAll(async () => {
    await provider?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  describe.each(['SQLite', 'PostgreSQL'])('on %s', (database) => {
    const postgres = inject('postgresUrl')
    const isAway = database === 'PostgreSQL' && postgres === ''
    const answered = new Set<string>()
    let server: ServerProcess
    let environment: Record<string, string>
    beforeAll(async () => {
      if (isAway) return
      server = await startServer({
        environment: {
          LICTOR_MODEL_SCRIPT: join(folder, 'turns.yaml'),
          LICTOR_SANDBOX: 'process',
          LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8',
          ...(database === 'PostgreSQL' ? { DATABASE_URL: await createDatabase(postgres) } : {}),
        },
      })
      const admin = await administrator(server.url)
      await setUp(admin, provider.issuer)
      const account = await admin.call<{ client_id: string; client_secret: string }>(
        'POST',
        '/api/v1/service-accounts',
        { name: 'ci' },
      )
      environment = {
        PATH: process.env.PATH ?? '',
        PYTHONDONTWRITEBYTECODE: '1',
        LICTOR_URL: server.url,
        AEGIS_CLIENT_ID: account.client_id,
        AEGIS_CLIENT_SECRET: account.client_secret,
        IDLE_BOOTSTRAP: join(folder, 'idle.py'),
        OAUTH_ISSUER: provider.issuer,
        OAUTH_CLIENT_ID: CLIENT.id,
        OAUTH_CLIENT_SECRET: CLIENT.secret,
        OAUTH_REDIRECT_URI: REDIRECT_URI,
      }
    })
    afterAll(async () => {
      await server?.stop()
    })

    it.skipIf(isAway).each(groups)('%s', async (group) => {
      const { stdout } = await run('python3', [scenario, group], { env: environment })
      for (const method of JSON.parse(stdout) as string[]) answered.add(method)
    })

    it.skipIf(isAway)('drives every method that it has to an answer', () => {
      expect(methods.filter((method) => !answered.has(method))).toEqual([])
    })
  })
})
