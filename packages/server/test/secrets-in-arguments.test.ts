import { Edictum } from '@lictor/guard'
import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from './documents.ts'
import { onEachDatabase, type TestServer } from './harness.ts'

/** Arguments with a secret in them, each as an agent writes it; `kept` is what must stay readable. */
const calls: readonly { readonly command: string; readonly secret: string; readonly kept: string }[] = [
  {
    command: `curl -H 'Authorization: Bearer abcDEF0123456789abcDEF' https://api.example.com/x`,
    secret: 'abcDEF0123456789abcDEF',
    kept: 'https://api.example.com/x',
  },
  { command: 'deploy --token=tk0123456789abcdefXYZ --region eu', secret: 'tk0123456789abcdefXYZ', kept: '--region eu' },
  {
    command: 'AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY aws s3 ls',
    secret: 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY',
    kept: 'aws s3 ls',
  },
  {
    command: 'curl https://api.example.com/me?access_token=at0123456789ABCdef&limit=5',
    secret: 'at0123456789ABCdef',
    kept: 'limit=5',
  },
  {
    command: `post --body '{"user":"ann","password":"hunter2-hunter2","page":3}'`,
    secret: 'hunter2-hunter2',
    kept: '"user":"ann"',
  },
]
const innocent = ['mkdir -p /srv/x', 'cp -p a.txt b.txt', 'ssh -p 2222 host uptime', 'echo token_count=5']

onEachDatabase('secrets in the arguments of calls', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  it('are in no audit event, list, export or database, and what is none stays whole', async () => {
    t = await start()
    const admin = await t.admin()
    const post = (url: string, payload: object) => t.request({ method: 'POST', url, headers: admin, payload })
    await post('/api/v1/bundles', { yaml_content: bundleYaml('devops') })
    await post('/api/v1/bundles/devops/1/deploy', { env: 'production' })
    const { key } = (await post('/api/v1/keys', { env: 'production' })).json<{ key: string }>()
    const guard = await Edictum.fromServer({
      url: await t.listen(),
      apiKey: key,
      agentId: 'builder',
      bundleName: 'devops',
    })
    const ran: string[] = []
    for (const command of [...calls.map((call) => call.command), ...innocent])
      await guard.run('shell', { command }, async (args) => {
        ran.push(String(args.command))
        return 'done'
      })
    await guard.close()
    // Judged and run as they are; only the record is masked.
    expect(ran).toEqual([...calls.map((call) => call.command), ...innocent])

    const seen: string[] = []
    const listed = await t.request({ method: 'GET', url: '/api/v1/events?limit=1000', headers: admin })
    const events = listed.json<{ id: string; verdict: string; payload: { tool_args: { command: string } } }[]>()
    seen.push(listed.body)
    for (const { id } of events)
      seen.push((await t.request({ method: 'GET', url: `/api/v1/events/${id}`, headers: admin })).body)
    seen.push((await t.request({ method: 'GET', url: '/api/v1/events/export', headers: admin })).body)
    const stored = await t.server.database.db.selectFrom('events').select('payload').execute()
    seen.push(JSON.stringify(stored))
    for (const text of seen) for (const { secret } of calls) expect(text).not.toContain(secret)

    const recorded = events
      .filter(({ verdict }) => verdict === 'call_allowed')
      .map(({ payload }) => payload.tool_args.command)
    expect(recorded).toHaveLength(calls.length + innocent.length)
    expect(recorded).toEqual(expect.arrayContaining(innocent))
    for (const { kept } of calls) expect(recorded.some((command) => command.includes(kept))).toBe(true)
  })
})
