import { createHmac } from 'node:crypto'
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
let url = ''
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
  url = await server.listen()
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

describe('lictor volume', () => {
  it('makes one, puts a file in, lists it, gets it back as it was, and deletes it', async () => {
    const made = await cli.run('volume', 'create', 'data', '--size', '10Mi')
    expect([made.code, made.out]).toEqual([0, expect.stringContaining('Made data, for 10.0 MiB.')])
    expect((await cli.run('volume', 'create', 'data')).err).toContain("volume with name 'data' already exists")
    expect((await cli.run('volume', 'create', 'x', '--size', 'large')).code).not.toBe(0)
    const put = await cli.run('volume', 'put', 'data', 'agent.yaml', 'manifests/', '--output', 'json')
    expect(JSON.parse(put.out)).toMatchObject({ path: 'manifests/agent.yaml', size: MANIFEST.length })
    expect((await cli.run('volume', 'ls')).out).toMatch(/data\s+\d+ B\s+10.0 MiB\s+available/)
    expect((await cli.run('volume', 'ls', 'data')).out).toContain('manifests/')
    expect((await cli.run('volume', 'ls', 'data', 'manifests')).out).toMatch(/agent.yaml\s+\d+ B/)
    const got = await cli.run('volume', 'get', 'data', 'manifests/agent.yaml', 'back.yaml')
    expect([got.code, got.err]).toEqual([0, ''])
    expect((await cli.run('volume', 'get', 'data', 'manifests/agent.yaml', 'back.yaml')).err).toContain('--force')
    const again = await cli.run('volume', 'put', 'data', 'back.yaml', '--output', 'json')
    expect(JSON.parse(again.out).sha256).toBe(JSON.parse(put.out).sha256)
    expect((await cli.run('volume', 'get', 'data', 'none')).code).not.toBe(0)
    expect((await cli.run('volume', 'put', 'data', 'none')).err).toContain("'none' is not a file")
    expect((await cli.run('volume', 'ls', 'other')).err).toContain("There is no volume 'other'")
    expect((await cli.run('volume', 'quota')).out).toContain('1 of any number of volumes')
    expect((await cli.run('volume', 'rm', 'data', 'manifests')).out).toBe('Deleted manifests of data.')
    expect((await cli.run('volume', 'rm', 'data')).out).toBe('Deleted data.')
    expect((await cli.run('volume')).out).toContain('No volumes yet')
  })
})

describe('lictor swarm', () => {
  it('says that there is none, as JSON for programs, and what an id and a status are', async () => {
    expect((await cli.run('swarm')).out).toBe('No swarms.')
    expect((await cli.run('swarm', 'list', '--output', 'json')).json()).toEqual({ swarms: [], items: [], count: 0 })
    const wrong = await cli.run('swarm', 'get', 'x')
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining("'x' is no id of a swarm")])
    expect((await cli.run('swarm', 'list', '--status', 'asleep')).err).toContain("or all, not 'asleep'")
    expect((await cli.run('swarm', 'list', '--limit', '0')).code).toBe(2)
    expect((await cli.run('swarm', 'get')).code).toBe(2)
  })
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

describe('lictor seal', () => {
  const context = JSON.stringify({
    name: 'lists-only',
    capabilities: [{ tool_pattern: 'fs.list' }],
  })

  it('calls a tool with a key of its own, under a context that was saved, and leaves nothing that could call again', async () => {
    const saved = await cli.runWith(context, 'seal', 'contexts', 'save', '-')
    expect([saved.code, saved.out, saved.err]).toEqual([0, 'Saved lists-only, version 1.', ''])
    const called = await cli.run('seal', 'call', 'fs.list', '{"path": "."}', '--context', 'lists-only', '--json')
    expect([called.code, called.json()]).toEqual([0, expect.objectContaining({ entries: [] })])
    const refused = await cli.run('seal', 'call', 'fs.read', '{"path": "a"}', '--context', 'lists-only')
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("Tool 'fs.read'")])
    expect((await cli.run('seal', 'workloads', '--json')).json()).toEqual([])
    expect((await cli.run('seal', 'sessions', '--json')).json()).toEqual([])
    expect((await cli.run('seal', 'contexts')).out).toContain('lists-only')
    expect((await cli.run('seal', 'tools', '--context', 'lists-only')).out).toContain('fs.list')
    expect((await cli.run('seal', 'contexts', 'rm', 'lists-only')).out).toBe('Removed lists-only.')
  })

  it('gives a workload its address, with which its own client calls', async () => {
    const made = await cli.run('seal', 'workloads', 'add', 'nightly', '--context', 'default')
    expect([made.code, made.out]).toEqual([0, expect.stringMatching(/^http.*\/x\/[\w-]{43}$/)])
    const gateway = `${url}${new URL(made.out).pathname}`
    const called = await cli.run(
      'seal',
      'call',
      'fs.list',
      '{"path":"."}',
      '--gateway',
      gateway,
      '--workload',
      'nightly',
    )
    expect(called.code).toBe(0)
    const { session_status } = (
      (await cli.run('seal', 'sessions', '--json')).json() as { session_status: string }[]
    )[0]!
    expect(session_status).toBe('Active')
    expect((await cli.run('seal', 'workloads', 'rm', 'nightly')).code).toBe(0)
    const gone = await cli.run('seal', 'call', 'fs.list', '--gateway', gateway)
    expect([gone.code, gone.err]).toEqual([1, expect.stringContaining('No workload has this address')])
  })

  it('says what is wrong with what it was given', async () => {
    expect((await cli.run('seal', 'call', 'fs.list', 'path=.')).err).toContain('no JSON object')
    expect((await cli.run('seal', 'call', 'fs.list', '--context', 'unheard')).err).toContain("'unheard'")
  })

  it('rotates the keys of security tokens, and takes one back', async () => {
    const keys = async () =>
      (await cli.run('seal', 'keys', '--json')).json() as { keys: { kid: string; alg: string }[] }
    const [first] = (await keys()).keys
    expect(first).toMatchObject({ kty: 'RSA', alg: 'RS256' })
    const rotated = await cli.run('seal', 'keys', 'rotate', '--algorithm', 'EdDSA')
    expect(rotated.out).toContain('(EdDSA)')
    expect((await keys()).keys.map(({ alg }) => alg)).toEqual(['EdDSA', 'RS256'])
    expect((await cli.run('seal', 'keys', 'retire', first?.kid ?? '')).out).toContain('verifies no more')
    expect((await keys()).keys.map(({ alg }) => alg)).toEqual(['EdDSA'])
    expect((await cli.run('seal', 'keys', 'rotate', '--algorithm', 'none')).code).toBe(1)
  })
})

describe('lictor tool call', () => {
  it('calls a tool, prints its result, and leaves nothing that could call again', async () => {
    const args = JSON.stringify({ name: 'greet', code: 'echo hello' })
    const saved = await cli.run('tool', 'call', 'aegis.script.save', '--args', args, '--output', 'json')
    expect([saved.code, saved.err, saved.json()]).toEqual([
      0,
      '',
      expect.objectContaining({ name: 'greet', version: 1 }),
    ])
    const { id } = saved.json() as { id: string }
    const read = await cli.runWith(JSON.stringify({ id }), 'tool', 'call', 'aegis.script.get', '--args', '-')
    expect([read.code, JSON.parse(read.out)]).toEqual([0, expect.objectContaining({ code: 'echo hello' })])
    expect((await cli.run('tool', 'call', 'aegis.script.list')).out).toContain('"greet"')
    expect((await cli.run('seal', 'workloads', '--json')).json()).toEqual([])
    expect((await cli.run('seal', 'sessions', '--json')).json()).toEqual([])
  })

  it('ends with 1 where the call is refused or the tool fails, and with 2 where it was used wrongly', async () => {
    const missing = await cli.run('tool', 'call', 'aegis.script.get', '--args', '{"id":"none"}')
    expect([missing.code, missing.out, missing.err]).toEqual([
      1,
      '',
      expect.stringContaining("There is no script 'none'."),
    ])
    const refused = await cli.run('tool', 'call', 'fs.list', '--args', '{"path":"."}', '--output', 'json')
    expect([refused.code, refused.json()]).toEqual([1, expect.objectContaining({ code: expect.any(String) })])
    expect((await cli.run('tool', 'call', 'aegis.script.get')).err).toContain("required field 'id'")
    expect((await cli.run('tool', 'call', 'aegis.script.list', '--args', '[]')).err).toContain('no JSON object')
    expect((await cli.run('tool', 'call', 'aegis.script.list', '--context', 'unheard')).err).toContain("'unheard'")
    expect((await cli.run('tool', 'call', 'aegis.script.list', '--arg', '{}')).code).toBe(2)
    expect((await cli.run('tool', 'call')).code).toBe(2)
  })
})

describe('lictor secret', () => {
  it('takes a value from standard input and gives it back alone', async () => {
    const written = await cli.runWith('p@ss word\n', 'secret', 'set', '/db//password')
    expect([written.code, written.out, written.err]).toEqual([0, 'Wrote db/password, version 1.', ''])
    expect((await cli.run('secret', 'get', 'db/password')).out).toBe('p@ss word')
    expect((await cli.runWith('kept\n', 'secret', 'set', 'db/line', '--keep-newline', '--json')).json()).toMatchObject({
      version: 1,
    })
    expect((await cli.run('secret', 'get', 'db/line', '--json')).json()).toMatchObject({ value: 'kept\n' })
  })

  it('writes one field and keeps the others', async () => {
    await cli.runWith('ann', 'secret', 'set', 'account', '--field', 'user')
    await cli.runWith('hunter2', 'secret', 'set', 'account', '--field', 'password')
    expect((await cli.run('secret', 'get', 'account', '--field', 'user')).out).toBe('ann')
    expect((await cli.run('secret', 'get', 'account', '--json')).json()).toMatchObject({
      data: { user: 'ann', password: 'hunter2' },
    })
    const unknown = await cli.run('secret', 'get', 'account', '--field', 'token')
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('user, password')])
  })

  it('lists paths and versions, reads an earlier one, and deletes', async () => {
    await cli.runWith('two', 'secret', 'set', 'db/password')
    const listed = await cli.run('secret', 'ls', 'db/')
    expect(listed.out).toMatch(/db\/password +2/)
    expect(listed.out).not.toContain('two')
    expect((await cli.run('secret', 'ls', '--output', 'json')).json()).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'db/password', version: 2 })]),
    )
    expect((await cli.run('secret', 'get', 'db/password', '--at', '1')).out).toBe('p@ss word')
    expect((await cli.run('secret', 'rm', 'db/password', '--at', '1')).out).toBe('Destroyed version 1 of db/password.')
    expect((await cli.run('secret', 'versions', 'db/password')).out).toMatch(/2 +live.*\n1 +destroyed/)
    expect((await cli.run('secret', 'rm', 'db/password')).out).toBe('Deleted db/password.')
    const gone = await cli.run('secret', 'get', 'db/password')
    expect([gone.code, gone.out, gone.err]).toEqual([1, '', expect.stringContaining('Secret not found')])
  })

  it('an empty input, a bad version and a path that leads elsewhere write nothing', async () => {
    expect((await cli.runWith('\n', 'secret', 'set', 'k')).err).toContain('nothing was written')
    expect((await cli.run('secret', 'get', 'k', '--at', '0')).code).toBe(2)
    expect((await cli.runWith('x', 'secret', 'set', '../k')).code).toBe(1)
  })
})

describe('lictor credential', () => {
  it('is stored from standard input, listed, granted, rotated and revoked; its value is never printed', async () => {
    const key = 'ghp_0123456789abcdef'
    const printed: string[] = []
    const run = async (input: string, ...argv: string[]) => {
      const ran = await cli.runWith(input, 'credential', ...argv)
      printed.push(ran.out, ran.err)
      return ran
    }
    expect((await run(key, 'store', 'github', '--provider', 'github')).out).toMatch(
      /^Stored github \([0-9a-f-]{36}\)\.$/,
    )
    expect((await run('', 'ls')).out).toMatch(/github +github +active +0 +never/)
    expect((await run('', 'grant', 'github', '--all-agents')).out).toBe('Granted github to all agents.')
    const grants = (await run('', 'grants', 'github', '--json')).json() as { id: string }[]
    expect(grants).toMatchObject([{ target_type: 'all_agents' }])
    expect((await run('', 'ungrant', 'github', grants[0]?.id ?? '')).out).toBe('Taken back.')
    expect((await run('another-key', 'rotate', 'github')).out).toBe('Rotated github.')
    expect((await run('', 'revoke', 'github')).out).toBe('Revoked github.')
    const gone = await run('', 'revoke', 'github')
    expect([gone.code, gone.err]).toEqual([1, expect.stringContaining("There is no credential 'github'")])
    expect(printed.join()).not.toContain(key)
  })

  it('an empty input stores nothing, and a grant names one agent or all', async () => {
    const empty = await cli.runWith('', 'credential', 'store', 'x', '--provider', 'x')
    expect([empty.code, empty.err]).toEqual([1, expect.stringContaining('nothing was stored')])
    expect((await cli.run('credential', 'grant', 'x')).code).toBe(2)
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

  it('what the server warns of is told', async () => {
    cli.write('odd.yaml', MANIFEST.replace('name: worker', 'name: odd').replace('  task:', '  colour: blue\n  task:'))
    const { code, err } = await cli.run('agent', 'deploy', 'odd.yaml')
    expect([code, err]).toEqual([0, expect.stringMatching(/^warning: spec\.colour: /m)])
    await cli.run('agent', 'delete', 'odd')
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

describe('lictor agent and what becomes of it', () => {
  beforeEach(async () => {
    await server.database.db.deleteFrom('agents').execute()
  })
  const stateOf = async () => ((await cli.run('agent', 'list', '--json')).json() as object[])[0]

  it('lists versions, newest first', async () => {
    cli.write('second.yaml', MANIFEST.replace('1.0.0', '1.1.0'))
    await cli.run('agent', 'deploy', 'agent.yaml')
    await cli.run('agent', 'deploy', 'second.yaml')
    const { code, out } = await cli.run('agent', 'versions', 'worker')
    expect([code, out.split('\n').map((line) => line.split(' ')[0])]).toEqual([0, ['VERSION', '1.1.0', '1.0.0']])
    expect((await cli.run('agent', 'versions', 'worker', '--json')).json()).toHaveLength(2)
    const again = await cli.run('agent', 'deploy', 'second.yaml')
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('is already deployed')])
    expect((await cli.run('agent', 'deploy', 'second.yaml', '--force')).code).toBe(0)
  })

  it('is promoted, demoted, paused and resumed', async () => {
    await cli.run('agent', 'deploy', 'agent.yaml')
    expect((await cli.run('agent', 'promote', 'worker')).out).toBe('Every tenant sees worker.')
    expect(await stateOf()).toMatchObject({ scope: 'global' })
    expect((await cli.run('agent', 'list', '--scope', 'tenant', '--json')).json()).toEqual([])
    const twice = await cli.run('agent', 'promote', 'worker')
    expect([twice.code, twice.err]).toEqual([1, expect.stringContaining('invalid transition')])
    expect((await cli.run('agent', 'demote', 'worker')).out).toBe('Only your tenant sees worker.')
    expect((await cli.run('agent', 'pause', 'worker')).out).toBe('worker is paused.')
    const refused = await cli.run('run', 'worker', '--input', 'go')
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('is paused')])
    expect((await cli.run('agent', 'resume', 'worker', '--json')).json()).toMatchObject({ status: 'active' })
    expect((await cli.run('agent', 'promote', 'nobody')).err).toContain("There is no agent 'nobody'.")
  })

  it('is run with an input from a file, variables, and only if the version is the one', async () => {
    cli.write('input.json', '{"n": 1}')
    cli.write('broken.json', '{')
    cli.write(
      'templated.yaml',
      MANIFEST.replace(
        'task: { instruction: Work. }',
        "task: { instruction: Work., prompt_template: '{{tone}} {{input}}' }",
      ),
    )
    await cli.run('agent', 'deploy', 'templated.yaml')
    const { code, json } = await cli.run(
      ...['run', 'worker', '--input-file', 'input.json', '--set', 'tone=dry', '--detach', '--json'],
    )
    expect(code).toBe(0)
    const row = await server.database.db
      .selectFrom('executions')
      .select('prompt')
      .where('id', '=', (json() as { execution_id: string }).execution_id)
      .executeTakeFirstOrThrow()
    expect(row.prompt).toBe('dry {"n":1}')
    const other = await cli.run('run', 'worker', '--input', 'x', '--agent-version', '9')
    expect([other.code, other.err]).toEqual([1, expect.stringContaining("Version mismatch: requested '9'")])
    expect((await cli.run('run', 'worker', '--input-file', 'broken.json')).err).toContain('broken.json is no JSON')
    expect((await cli.run('run', 'worker', '--set', 'tone')).code).toBe(2)
    expect((await cli.run('run', 'worker', '-i', 'x', '--input-file', 'input.json')).code).toBe(2)
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

describe('lictor workflow and a server', () => {
  const flow = (version: string, target = 'END') => `apiVersion: 100monkeys.ai/v1
kind: Workflow
metadata: { name: gate, version: "${version}" }
spec:
  initial_state: ASK
  states:
    ASK: { kind: Human, prompt: ok?, transitions: [{ condition: approved, target: ${target} }] }
    END: { kind: System, command: 'true', transitions: [] }
`

  it('registers, lists, shows, moves and deletes a workflow', async () => {
    cli.write('flow.yaml', flow('1.0.0'))
    cli.write('flow-2.yaml', flow('2.0.0'))
    expect((await cli.run('workflow', 'list')).out).toContain('No workflows yet.')
    expect((await cli.run('workflow', 'deploy', 'flow.yaml')).out).toContain('Registered gate 1.0.0.')
    const again = await cli.run('workflow', 'deploy', 'flow.yaml')
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('already exists')])
    expect((await cli.run('workflow', 'deploy', 'flow.yaml', '--force')).code).toBe(0)
    expect((await cli.run('workflow', 'deploy', 'flow-2.yaml', '--json')).json()).toMatchObject({ version: '2.0.0' })
    expect((await cli.run('workflow', 'get', 'gate')).out).toBe(flow('2.0.0').trimEnd())
    expect((await cli.run('workflow', 'versions', 'gate', '--json')).json()).toMatchObject([
      { version: '2.0.0' },
      { version: '1.0.0' },
    ])
    expect((await cli.run('workflow', 'promote', 'gate')).out).toBe('Every tenant sees gate.')
    expect((await cli.run('workflow', 'list', '--scope', 'tenant', '--json')).json()).toEqual([])
    expect((await cli.run('workflow', 'list')).out).toMatch(/gate\s+2\.0\.0\s+global/)
    expect((await cli.run('workflow', 'demote', 'gate')).out).toBe('Only your tenant sees gate.')
    expect((await cli.run('workflow', 'delete', 'gate')).out).toBe('Deleted gate.')
    for (const command of ['get', 'versions', 'promote', 'delete'])
      expect(await cli.run('workflow', command, 'gate')).toMatchObject({ code: 1, out: '' })
  })

  it('what is broken is told with its place before a server is asked', async () => {
    cli.write('broken.yaml', flow('1.0.0', 'NOWHERE'))
    const { code, err } = await cli.run('workflow', 'deploy', 'broken.yaml')
    expect(code).toBe(1)
    expect(err).toMatch(/^broken\.yaml:7:\d+: error: .*Transition target 'NOWHERE' not found/)
    expect((await cli.run('workflow', 'list', '--json')).json()).toEqual([])
  })
})

describe('lictor workflow run', () => {
  const FLOW = `apiVersion: 100monkeys.ai/v1
kind: Workflow
metadata: { name: gate, output_template: { said: "{{ASK.response}}" } }
spec:
  initial_state: BUILD
  states:
    BUILD: { kind: System, command: "test '{{input.target}}' = site", transitions: [{ condition: on_success, target: ASK }] }
    ASK: { kind: Human, prompt: ok?, transitions: [] }
`

  it('runs one in the background, tells what happened, answers it, and cancels another', async () => {
    const bench = createWorkbench({ 'flow.yaml': FLOW }, { LICTOR_DATA_DIR: folder, LICTOR_URL: url })
    try {
      expect((await bench.run('workflow', 'executions')).out).toContain('No runs.')
      const deployed = await bench.run('workflow', 'deploy', 'flow.yaml')
      expect([deployed.code, deployed.out]).toEqual([
        0,
        'Registered gate 1.0.0. Run it with `lictor workflow run gate`.',
      ])
      const start = async () => {
        const begun = await bench.run('workflow', 'run', 'gate', '--input', '{"target": "site"}', '--detach', '--json')
        expect([begun.code, begun.err]).toEqual([0, ''])
        return (begun.json() as { execution_id: string }).execution_id
      }
      const [first, second] = [await start(), await start()]
      expect((await bench.run('workflow', 'signal', first, 'yes')).out).toBe(`Answered ${first}.`)
      // Ends with the run.
      const log = await bench.run('workflow', 'logs', first, '--follow')
      expect(log.out).toMatch(/Entered workflow state BUILD\n(.*\n)+.*Workflow execution completed$/)
      expect((await bench.run('workflow', 'logs', first)).out).toBe(log.out)
      expect((await bench.run('workflow', 'cancel', second, '--reason', 'enough')).out).toBe('gate is cancelled.')
      const listed = await bench.run('workflow', 'executions', '--status', 'cancelled')
      expect(listed.out).toMatch(new RegExp(`${second} +gate +cancelled`))
      expect((await bench.run('workflow', 'run', 'gate', '--input', '{broken')).code).toBe(2)
      const failed = await bench.run('workflow', 'run', 'gate', '--input', '{"target": "other"}')
      expect([failed.code, failed.out]).toEqual([1, expect.stringContaining('no transition matched in state BUILD')])
    } finally {
      bench.close()
    }
  })
})

describe('lictor stimulus', () => {
  it('registers a source, whose signed webhooks begin its workflow, and shows what came', async () => {
    const states = { ASK: { kind: 'Human', prompt: 'x', transitions: [] } }
    cli.write('stimulated.yaml', JSON.stringify(workflow('stimulated', states)))
    expect(await cli.run('workflow', 'deploy', 'stimulated.yaml')).toMatchObject({ err: '', code: 0 })
    expect((await cli.run('stimulus', 'source')).out).toContain('No sources yet')
    const made = await cli.run('stimulus', 'source', 'add', 'shop', '--workflow', 'stimulated', '--generate', '--json')
    const { secret } = made.json() as { secret: string }
    const again = await cli.runWith(
      `${secret}\n`,
      'stimulus',
      'source',
      'add',
      'shop',
      '--workflow',
      'stimulated',
      '--secret',
    )
    expect([again.code, again.out]).toEqual([0, `Webhooks of shop go to ${url}/v1/webhooks/shop`])
    const body = '{"order":1}'
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
    const hook = await fetch(`${url}/v1/webhooks/shop`, {
      method: 'POST',
      headers: { 'x-aegis-signature': signature },
      body,
    })
    expect(hook.status).toBe(202)
    const { stimulus_id: id } = (await hook.json()) as { stimulus_id: string }
    const sent = await cli.run('stimulus', 'send', '--source', 'shop', '--input', 'text', '--key', 'one')
    expect([sent.code, sent.out]).toEqual([0, expect.stringContaining('began the workflow execution')])
    const twice = await cli.run('stimulus', 'send', '--source', 'shop', '--input', 'text', '--key', 'one')
    expect([twice.code, twice.err]).toEqual([1, expect.stringContaining('came before')])
    expect((await cli.run('stimulus')).out).toMatch(/shop\s+classified\s+stimulated/)
    expect(JSON.parse((await cli.run('stimulus', 'get', id)).out)).toMatchObject({ content: body, source: 'shop' })
    expect((await cli.run('stimulus', 'source')).out).toMatch(/shop\s+stimulated\s+aegis\s+yes/)
    expect((await cli.run('stimulus', 'source', 'rm', 'shop')).out).toBe('Nothing is taken from shop any more.')
  })
})

describe('lictor schedule', () => {
  it('sets one, pauses and resumes it, lists it and deletes it; a wrong pattern is refused in words', async () => {
    const states = { ASK: { kind: 'Human', prompt: 'x', transitions: [] } }
    cli.write('timed.yaml', JSON.stringify(workflow('timed', states)))
    expect(await cli.run('workflow', 'deploy', 'timed.yaml')).toMatchObject({ err: '', code: 0 })
    const wrong = await cli.run('schedule', 'set', 'nightly', '--workflow', 'timed', '--cron', '99 * * * *')
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('minute')])
    const when = ['--cron', '30 2 * * *', '--timezone', 'Europe/Berlin', '--input', 'text', '--missed', 'skip']
    const set = await cli.run('schedule', 'set', 'nightly', '--workflow', 'timed', ...when)
    expect([set.code, set.out]).toEqual([0, expect.stringMatching(/^nightly starts workflow timed at 20\d\d-/)])
    expect((await cli.run('schedule')).out).toMatch(/nightly\s+workflow timed\s+30 2 \* \* \* \(Europe\/Berlin\)/)
    expect((await cli.run('schedule', 'pause', 'nightly')).out).toBe('nightly starts nothing any more.')
    expect((await cli.run('schedule', 'resume', 'nightly')).out).toContain('nightly starts workflow timed at')
    const got = JSON.parse((await cli.run('schedule', 'get', 'nightly')).out)
    expect(got).toMatchObject({ missed: 'skip', input: 'text', timezone: 'Europe/Berlin' })
    expect((await cli.run('schedule', 'rm', 'nightly')).out).toBe('Deleted nightly.')
    expect((await cli.run('schedule')).out).toContain('No schedules yet')
  })
})

const workflow = (name: string, states: object) => ({
  apiVersion: '100monkeys.ai/v1',
  kind: 'Workflow',
  metadata: { name },
  spec: { initial_state: Object.keys(states)[0], states },
})
