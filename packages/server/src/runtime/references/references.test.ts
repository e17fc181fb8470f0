import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { call, deployAgent, serviceHeaders, types, world } from '../../../test/runtime.ts'

const SECRET = 'hunter2/"Zürich"+key'
const shell = { tools: ['run_command', 'read_file', 'write_file'] }
const sh = (command: string) => call('run_command', { command })

async function write(t: TestServer, path: string, body: object): Promise<void> {
  const headers = await serviceHeaders(t)
  const answer = await t.request({ method: 'PUT', url: `/v1/secrets/${path}`, headers, payload: body })
  if (answer.statusCode !== 200) throw new Error(answer.body)
}

/** Everything the database holds, sealed columns as the bytes they are. */
async function everythingStored(t: TestServer): Promise<string> {
  const { db } = t.server.database
  const texts: string[] = []
  for (const { name } of await db.introspection.getTables())
    for (const row of await db
      .selectFrom(name as 'events')
      .selectAll()
      .execute())
      for (const cell of Object.values(row) as unknown[])
        texts.push(cell instanceof Uint8Array ? Buffer.from(cell).toString('latin1') : String(cell))
  return texts.join('\n')
}

const spellings = [
  SECRET,
  JSON.stringify(SECRET).slice(1, -1),
  encodeURIComponent(SECRET),
  Buffer.from(SECRET).toString('base64').replace(/=+$/, ''),
  Buffer.from(SECRET).toString('hex'),
  SECRET.toUpperCase(),
]

onEachDatabase('secrets handed to agents', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await start({
      environment: { ...environment, LICTOR_SANDBOX: 'process', LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8' },
    })
    await write(t, 'deploy/key', { value: SECRET })
    await write(t, 'account', { data: { user: 'ann', password: 'pw-of-ann-123' } })
    return t
  })

  it('reach the process, and nothing that is written about it: events, outputs, prompts, audit, database', async () => {
    const w = await open(
      [
        sh('test "$KEY" = \'hunter2/"Zürich"+key\' && echo it is right'),
        sh('echo "$KEY"; printf %s "$KEY" | base64; printf %s "$KEY" | od -An -tx1 | tr -d " \\n"'),
        sh('printf %s "user:$KEY" | base64; echo "$KEY" | tr a-z A-Z; echo "$KEY" >&2; exit 3'),
        sh('printf "%s" "$KEY" > key.txt; printf "%s" "$PASSWORD" > password.txt'),
        call('read_file', { path: 'key.txt' }),
        sh('cat password.txt'),
        { text: `The key is ${SECRET}.` },
      ],
      { ...shell, env: { KEY: 'secret:deploy/key', PASSWORD: 'secret:account#password', PLAIN: 'as it is' } },
    )
    const { id, events, answer } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', output: 'The key is ***.' })
    const told = w.told(events).join('\n')
    expect(told).toContain('it is right')
    expect(told).toContain('***')
    const stored = await everythingStored(t)
    for (const spelled of [...spellings, 'pw-of-ann-123']) {
      expect(JSON.stringify(events)).not.toContain(spelled)
      expect(stored).not.toContain(spelled)
    }
    const spawned = events.find(({ type }) => type === 'instance_spawned')
    expect(spawned?.references).toEqual([
      { variable: 'KEY', reference: 'secret:deploy/key', version: 1 },
      { variable: 'PASSWORD', reference: 'secret:account#password', version: 1 },
    ])
    expect(events.filter(({ type }) => type === 'secret_retrieved')).toMatchObject([
      { path: 'deploy/key', version: 1, engine: 'kv' },
      { path: 'account' },
    ])
    const audited = await t.server.database.db
      .selectFrom('events')
      .selectAll()
      .where('tool_name', '=', 'secret.read')
      .execute()
    expect(audited.map((row) => JSON.parse(row.payload ?? ''))).toMatchObject([
      { tool_args: { path: 'deploy/key', agent: 'worker', version: 1 }, execution_id: id },
      { tool_args: { path: 'account' } },
    ])
  })

  it('a rotated value is in the next instance; the one that runs keeps its own, and says which version', async () => {
    const w = await open([sh('echo "$KEY" | wc -c'), { text: 'done' }], { ...shell, env: { KEY: 'secret:deploy/key' } })
    const versionOf = (events: readonly { type: string }[]) =>
      (events.find(({ type }) => type === 'instance_spawned') as { references?: unknown } | undefined)?.references
    expect(versionOf((await w.run()).events)).toMatchObject([{ version: 1 }])
    await write(t, 'deploy/key', { value: 'a-new-value' })
    expect(versionOf((await w.run()).events)).toMatchObject([{ version: 2 }])
  })

  it('what cannot be handed over keeps the agent from starting, with the variable, the path and the reason', async () => {
    const w = await open([{ text: 'never' }], { ...shell, env: { KEY: 'secret:no/such' } })
    const { answer, events } = await w.run()
    expect(answer.status).toBe('failed')
    expect(answer.error).toContain("spec.env.KEY: the secret 'no/such' does not exist")
    expect(types(events)).not.toContain('instance_spawned')
    expect(types(events).filter((type) => type === 'iteration_started')).toHaveLength(1)
    const agent = await deployAgent(t, w.headers, { ...shell, env: { P: 'secret:account#nothing' } }, { name: 'other' })
    const started = await t.request({
      method: 'POST',
      url: '/v1/executions',
      headers: w.headers,
      payload: { agent_id: agent, input: 'go' },
    })
    const { execution_id } = started.json<{ execution_id: string }>()
    await w.events(execution_id)
    expect((await w.get(execution_id)).error).toContain("the secret 'account' has no field 'nothing'")
  })

  it('only who may read secrets deploys an agent that is handed one', async () => {
    const w = await open([{ text: 'done' }])
    const deploy = (headers: Record<string, string>) =>
      deployAgent(t, headers, { env: { KEY: 'secret:deploy/key' } }, { name: 'taker' }).catch(String)
    const weak = await serviceHeaders(t, { role: 'aegis:operator', scopes: ['agent:deploy', 'agent:execute'] })
    expect(await deploy(weak)).toContain('secret:read')
    expect(await deploy(await t.member())).toContain('administrators')
    expect(await deploy(w.headers)).toMatch(/^[0-9a-f-]{36}$/)
    const patched = await t.request({
      method: 'PATCH',
      url: `/v1/agents/${w.agent}`,
      headers: weak,
      payload: { spec: { env: { KEY: 'secret:deploy/key' } } },
    })
    expect([patched.statusCode, patched.json().required]).toEqual([403, 'secret:read'])
  })

  it('a reference that leads elsewhere is told when the agent is deployed, and refused when it is executed', async () => {
    const w = await open([{ text: 'never' }])
    const agent = await deployAgent(t, w.headers, { env: { KEY: 'secret:../other' } }, { name: 'other' })
    const started = await t.request({
      method: 'POST',
      url: '/v1/executions',
      headers: w.headers,
      payload: { agent_id: agent, input: 'go' },
    })
    expect([started.statusCode, started.body]).toEqual([
      422,
      expect.stringContaining("spec.env.KEY: The secret path '../other'"),
    ])
  })

  it('are sent with the output to a webhook, as they are then, and echoed nowhere', async () => {
    const heard: (string | undefined)[] = []
    const receiver = createServer((request, response) => {
      heard.push(request.headers.authorization)
      response.end(`you sent ${request.headers.authorization}`)
    })
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
    const { port } = receiver.address() as AddressInfo
    const webhook = (reference: string) => ({
      output_handler: {
        type: 'webhook',
        url: `http://127.0.0.1:${port}/`,
        headers: { Authorization: reference },
        required: true,
      },
    })
    const w = await open([{ text: 'done' }], webhook('Bearer secret:account#password'))
    const run = await w.run()
    expect(run.answer).toMatchObject({ status: 'completed', output: 'you sent Bearer ***' })
    await write(t, 'account', { data: { user: 'ann', password: 'pw-of-ann-456' } })
    await w.run()
    expect(heard).toEqual(['Bearer pw-of-ann-123', 'Bearer pw-of-ann-456'])
    expect(types(run.events)).toContain('secret_retrieved')
    const stored = await everythingStored(t)
    for (const value of ['pw-of-ann-123', 'pw-of-ann-456']) expect(stored).not.toContain(value)
    const weak = await serviceHeaders(t, { role: 'aegis:operator', scopes: ['agent:deploy'] })
    await expect(deployAgent(t, weak, webhook('Bearer secret:account'), { name: 'other' })).rejects.toThrow(
      /secret:read/,
    )
    await t.request({ method: 'DELETE', url: '/v1/secrets/account', headers: w.headers })
    expect((await w.run()).answer).toMatchObject({
      status: 'failed',
      error: expect.stringContaining("the secret 'account' does not exist"),
    })
    receiver.close()
  })
})
