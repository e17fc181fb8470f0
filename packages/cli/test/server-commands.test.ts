import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, readConfig } from '@lictor/server'
import pino from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bundle, createWorkbench, NO_RM, type Workbench } from './workbench.ts'

/** A server on this machine, to which the command line signs in by its data folder. */
let server: Awaited<ReturnType<typeof createServer>>
let folder = ''
let cli: Workbench

const MANIFEST = `apiVersion: 100monkeys.ai/v1
kind: Agent
metadata: { name: worker, version: 1.0.0 }
spec:
  runtime: { language: javascript, version: '20' }
  task: { instruction: Work. }
`

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lictor-cli-server-'))
  const environment = {
    LICTOR_DATA_DIR: folder,
    LICTOR_PORT: '0',
    LICTOR_ADMIN_EMAIL: 'admin@example.com',
    LICTOR_ADMIN_PASSWORD: 'correct horse battery',
  }
  server = await createServer(readConfig(environment), pino({ level: 'silent' }), {
    consoleDir: null,
    passwordCost: 16,
  })
  const url = await server.listen()
  cli = createWorkbench(
    { 'agent.yaml': MANIFEST, 'bundle.yaml': bundle([NO_RM]) },
    { LICTOR_DATA_DIR: folder, LICTOR_URL: url },
  )
})
afterAll(async () => {
  cli?.close()
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('lictor key', () => {
  const bearer = async (key: string) =>
    (await server.http.inject({ url: '/api/v1/events', headers: { authorization: `Bearer ${key}` } })).statusCode

  it('a new key stands alone on standard output, and agents get in with it', async () => {
    const made = await cli.run('key', 'create', '--env', 'staging', '--label', 'for ci')
    expect([made.code, made.out]).toEqual([0, expect.stringMatching(/^edk_staging_\S+$/)])
    expect(made.err).toContain('not shown again')
    expect(await bearer(made.out)).toBe(200)
    const listed = await cli.run('key', 'list')
    expect(listed.out).toContain('for ci')
    expect(listed.out).not.toContain(made.out)
  })

  it.each(['id', 'prefix', 'key'] as const)('a revoked key (named by its %s) is refused', async (by) => {
    const made = (await cli.run('key', 'create', '--env', 'production', '--json')).json() as Record<typeof by, string>
    expect(await bearer(made.key)).toBe(200)
    const revoked = await cli.run('key', 'revoke', made[by])
    expect([revoked.code, revoked.out]).toEqual([0, `Revoked ${made.prefix}….`])
    expect(await bearer(made.key)).toBe(401)
    const again = await cli.run('key', 'revoke', made[by])
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('There is no key')])
    expect(again.err).not.toContain(made.key)
  })

  it('an environment that does not exist is refused with what there is', async () => {
    const made = await cli.run('key', 'create', '--env', 'prod')
    expect([made.code, made.out]).toEqual([1, ''])
    expect(made.err).toContain('env')
    expect((await cli.run('key', 'create')).code).toBe(2)
  })
})

describe('lictor account', () => {
  const token = (id: string, secret: string) =>
    server.http.inject({
      method: 'POST',
      url: '/realms/aegis-system/protocol/openid-connect/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: id,
        client_secret: secret,
      }).toString(),
    })

  it('a new account gets tokens until it is revoked', async () => {
    const made = await cli.run('account', 'create', 'deployer', '--role', 'aegis:readonly')
    expect(made.code).toBe(0)
    const [, id = '', secret = ''] = /^CLIENT_ID=(\S+)\nCLIENT_SECRET=(\S+)$/.exec(made.out) ?? []
    expect((await token(id, secret)).statusCode).toBe(200)
    expect((await cli.run('account', 'list')).out).toMatch(/deployer +\S+ +aegis:readonly +of the role/)
    const revoked = await cli.run('account', 'revoke', 'deployer')
    expect([revoked.code, revoked.out]).toEqual([0, 'Revoked deployer.'])
    expect((await token(id, secret)).statusCode).toBe(401)
  })

  it('scopes narrow it; a name that two carry is not enough to revoke one', async () => {
    const made = await cli.run('account', 'create', 'twin', '--scope', 'execution:read', 'agent:read', '--json')
    expect(made.json()).toMatchObject({ scopes: ['execution:read', 'agent:read'] })
    await cli.run('account', 'create', 'twin')
    const unclear = await cli.run('account', 'revoke', 'twin')
    expect([unclear.code, unclear.err]).toEqual([1, expect.stringContaining("'twin' is the name of 2.")])
    expect((await cli.run('account', 'revoke', (made.json() as { client_id: string }).client_id)).code).toBe(0)
    expect((await cli.run('account', 'revoke', 'twin')).code).toBe(0)
  })
})

describe('lictor agent and its bundle', () => {
  const assigned = async () => {
    const row = await server.database.db
      .selectFrom('agent_registrations')
      .select('bundle_name')
      .where('agent_id', '=', 'worker')
      .executeTakeFirst()
    return row?.bundle_name
  }
  beforeEach(async () => {
    await server.database.db.deleteFrom('agent_registrations').execute()
    await server.database.db.deleteFrom('agents').execute()
  })

  it('a bundle that does not exist is refused before anything changes', async () => {
    const deployed = await cli.run('agent', 'deploy', 'agent.yaml', '--bundle', 'typo')
    expect([deployed.code, deployed.out]).toEqual([1, ''])
    expect(deployed.err).toContain("There is no bundle 'typo'.")
    expect(deployed.err).toContain('--force')
    expect((await cli.run('agent', 'list', '--json')).json()).toEqual([])
    await cli.run('agent', 'deploy', 'agent.yaml')
    const refused = await cli.run('agent', 'assign', 'worker', 'typo')
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("There is no bundle 'typo'.")])
    expect(await assigned()).toBeNull()
  })

  it('forced, it is assigned with a warning', async () => {
    await cli.run('agent', 'deploy', 'agent.yaml')
    const forced = await cli.run('agent', 'assign', 'worker', 'later', '--force')
    expect([forced.code, forced.out]).toEqual([0, 'worker is governed by later.'])
    expect(forced.err).toContain("warning: the bundle 'later' does not exist.")
    expect(await assigned()).toBe('later')
  })

  it('one that is deployed nowhere is assigned with a warning, one that is deployed without', async () => {
    await cli.run('agent', 'deploy', 'agent.yaml')
    expect((await cli.run('bundle', 'upload', 'bundle.yaml')).code).toBe(0)
    const early = await cli.run('agent', 'assign', 'worker', 'test')
    expect([early.code, early.err]).toEqual([
      0,
      expect.stringContaining("warning: the bundle 'test' is deployed nowhere."),
    ])
    await cli.run('bundle', 'deploy', 'test', '1', '--env', 'production')
    const assignedNow = await cli.run('agent', 'assign', 'worker', 'test')
    expect([assignedNow.code, assignedNow.err]).toEqual([0, ''])
    expect(await assigned()).toBe('test')
  })
})

describe('lictor approvals', () => {
  it('who decides too late is told who was first', async () => {
    const key = (await cli.run('key', 'create', '--env', 'staging')).out.trim()
    const asked = await server.http.inject({
      method: 'POST',
      url: '/api/v1/approvals',
      headers: { authorization: `Bearer ${key}` },
      payload: { agent_id: 'worker', tool_name: 'delete_user', message: 'Delete?' },
    })
    const { id } = asked.json<{ id: string }>()
    expect((await cli.run('approvals', 'deny', id)).out).toContain('delete_user of')
    const late = await cli.run('approvals', 'approve', id)
    expect([late.code, late.err]).toEqual([
      1,
      expect.stringMatching(/already decided\. It was denied by \S+@\S+\. \(409/),
    ])
  })
})
