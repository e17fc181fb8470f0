import { createHash } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { deployAgent, serviceHeaders } from '../../../test/runtime.ts'

type Headers = Record<string, string>
const digest = (text: string) => createHash('sha256').update(text).digest('hex')

onEachDatabase('attachments of executions', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  async function world() {
    t = await start()
    await t.listen()
    const headers = await serviceHeaders(t)
    const agent = await deployAgent(t, headers)
    const upload = async (path: string, text: string, volume = 'chat-attachments', as: Headers = headers) => {
      const answer = await t.request({
        method: 'POST',
        url: `/v1/volumes/${volume}/files/upload?path=${encodeURIComponent(path)}`,
        headers: { ...as, 'content-type': 'application/octet-stream' },
        payload: Buffer.from(text),
      })
      if (answer.statusCode !== 200) throw new Error(answer.body)
      return answer.json<{ volume_id: string; path: string }>()
    }
    /** The input that the agent was given, or what was refused. */
    async function run(attachments: unknown, more: { input?: unknown; as?: Headers; url?: string } = {}) {
      const { input = { n: 1 }, as = headers, url = '/v1/executions' } = more
      const payload = { ...(url === '/v1/executions' ? { agent_id: agent } : {}), input, attachments }
      const answer = await t.request({ method: 'POST', url, headers: as, payload })
      if (answer.statusCode !== 200) return [answer.statusCode, answer.json()]
      const got = await t.request({ method: 'GET', url: `/v1/executions/${answer.json().execution_id}`, headers: as })
      return got.json().input
    }
    const count = async () => (await t.server.database.db.selectFrom('executions').select('id').execute()).length
    return { headers, agent, upload, run, count }
  }
  const reference = { volume_id: 'chat-attachments', path: 'a.txt', name: 'a.txt', mime_type: 'text/plain', size: 6 }
  const refused = (message: string) => [422, { error: message, message }]

  it('size, digest and kind are read again: what a reference says of its file is not believed', async () => {
    const w = await world()
    const { volume_id } = await w.upload('a.txt', 'Hello.')
    const forged = { ...reference, path: '/a.txt', name: 'A note', mime_type: 'x/y', size: 1, sha256: '0' }
    const kept = { volume_id, path: 'a.txt', mime_type: 'text/plain', size: 6, sha256: digest('Hello.') }
    expect(await w.run([forged])).toEqual({ n: 1, attachments: [{ ...kept, name: 'A note' }] })
    await w.upload('a.txt', 'Hello again.')
    const now = { ...kept, size: 12, sha256: digest('Hello again.'), name: 'a.txt' }
    expect(await w.run([{ volume_id, path: 'a.txt' }])).toEqual({ n: 1, attachments: [now] })
  })

  it('they stand beside the fields of an object, and beside a value of any other input', async () => {
    const w = await world()
    await w.upload('a.txt', 'Hello.')
    const url = `/v1/agents/${w.agent}/execute`
    for (const input of ['see', 7, [1]])
      expect(await w.run([reference], { input, url })).toMatchObject({ value: input, attachments: [{ size: 6 }] })
    expect(await w.run([reference], { input: { a: 1 }, url })).toMatchObject({ a: 1, attachments: [{ size: 6 }] })
    for (const none of [[], null, undefined]) expect(await w.run(none, { input: 'see', url })).toBe('see')
  })

  it('the reserved name is the volume of who starts the execution', async () => {
    const w = await world()
    await w.upload('a.txt', 'Mine.')
    const elsewhere = await serviceHeaders(t, {}, await t.otherTenant())
    await w.upload('a.txt', 'Theirs.', 'chat-attachments', elsewhere)
    expect(await w.run([reference])).toMatchObject({ attachments: [{ sha256: digest('Mine.') }] })
    const url = `/v1/agents/${await deployAgent(t, elsewhere)}/execute`
    expect(await w.run([reference], { as: elsewhere, url })).toMatchObject({
      attachments: [{ sha256: digest('Theirs.') }],
    })
  })

  it('a file that is not there: 422 naming the reference, and nothing is started', async () => {
    const w = await world()
    await w.upload('a.txt', 'Hello.')
    const before = await w.count()
    expect(await w.run([reference, { ...reference, path: 'b.txt' }])).toEqual(
      refused("attachments[1]: There is no '/b.txt' in the volume 'chat-attachments'."),
    )
    await w.upload('folder/c.txt', 'x')
    expect(await w.run([{ ...reference, path: 'folder' }])).toEqual(refused("attachments[0]: '/folder' is a folder."))
    expect(await w.count()).toBe(before)
  })

  it("a volume that is not there, or another tenant's: 422, in the same words", async () => {
    const w = await world()
    const unknown = crypto.randomUUID()
    expect(await w.run([{ ...reference, volume_id: unknown }])).toEqual(
      refused(`attachments[0]: volume not found: ${unknown}`),
    )
    const elsewhere = await serviceHeaders(t, {}, await t.otherTenant())
    const { volume_id } = await w.upload('a.txt', 'Theirs.', 'chat-attachments', elsewhere)
    expect(await w.run([{ ...reference, volume_id }])).toEqual(
      refused(`attachments[0]: volume not found: ${volume_id}`),
    )
    expect(await w.count()).toBe(0)
  })

  it('a path that leads out of its volume: 422', async () => {
    const w = await world()
    await w.upload('a.txt', 'Hello.')
    for (const path of ['../a.txt', 'x/../a.txt', 'x/%2e%2e/a.txt'])
      expect(await w.run([{ ...reference, path }])).toEqual(
        refused(`attachments[0]: The path '${path}' contains '..', which is refused.`),
      )
    expect(await w.count()).toBe(0)
  })

  it('a reference that is none: 422 with what it lacks', async () => {
    const w = await world()
    expect(await w.run([7])).toEqual(refused('attachments[0] must be an object.'))
    expect(await w.run([{ path: 'a.txt' }])).toEqual(refused('attachments[0].volume_id must be a text.'))
    expect(await w.run([{ ...reference, path: '' }])).toEqual(refused('attachments[0].path must be a text.'))
    expect(await w.run([{ ...reference, volume_id: 'my files' }])).toEqual(
      refused('attachments[0]: volume not found: my files'),
    )
    expect(await w.run(Array.from({ length: 101 }, () => reference))).toEqual(
      refused('There are 101 attachments; an execution takes at most 100.'),
    )
    expect(await w.count()).toBe(0)
  })
})
