import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { deployAgent, serviceHeaders } from '../../../test/runtime.ts'

onEachDatabase('attachments of executions', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  it('are files of the caller, read again: what a reference says of its file is not believed', async () => {
    t = await start()
    await t.listen()
    const headers = await serviceHeaders(t)
    const agent = await deployAgent(t, headers)
    const form = new FormData()
    form.append('file', new Blob(['Hello.']), 'a.txt')
    const encoded = new Request('http://x', { method: 'POST', body: form })
    const upload = await t.request({
      method: 'POST',
      url: '/v1/volumes/chat-attachments/files/upload?path=a.txt',
      headers: { ...headers, 'content-type': encoded.headers.get('content-type') ?? '' },
      payload: Buffer.from(await encoded.arrayBuffer()),
    })
    expect(upload.statusCode).toBe(200)
    const run = async (attachments: unknown, as = headers) => {
      const payload = { agent_id: agent, input: { n: 1 }, attachments }
      const answer = await t.request({ method: 'POST', url: '/v1/executions', headers: as, payload })
      if (answer.statusCode !== 200) return [answer.statusCode, answer.json().error]
      const got = await t.request({ method: 'GET', url: `/v1/executions/${answer.json().id}`, headers })
      return got.json().input
    }
    const file = {
      volume_id: 'chat-attachments',
      path: '/a.txt',
      name: 'A note',
      mime_type: 'x/y',
      size: 1,
      sha256: '0',
    }
    expect(await run([file])).toEqual({
      n: 1,
      attachments: [
        {
          volume_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          path: expect.stringMatching(/^\/?a\.txt$/),
          name: 'A note',
          mime_type: expect.stringContaining('text/'),
          size: 6,
          sha256: '2d8bd7d9bb5f85ba643f0110d50cb506a1fe439e769a22503193ea6046bb87f7',
        },
      ],
    })
    expect(await run([])).toEqual({ n: 1 })
    const before = await t.server.database.db.selectFrom('executions').select('id').orderBy('seq').execute()
    expect(await run([file, { ...file, path: 'b.txt' }])).toEqual([422, expect.stringMatching(/^attachments\[1\]: /)])
    expect(await run([{ ...file, path: '../a.txt' }])).toEqual([422, expect.stringMatching(/^attachments\[0\]: /)])
    expect(await run([{ ...file, volume_id: crypto.randomUUID() }])).toEqual([
      422,
      expect.stringContaining('attachments[0]'),
    ])
    expect(await run([{ path: 'a.txt' }])).toEqual([422, 'attachments[0].volume_id must be a text.'])
    expect(await run([7])).toEqual([422, 'attachments[0] must be an object.'])
    expect(await run(Array.from({ length: 101 }, () => file))).toEqual([422, expect.stringContaining('at most 100')])
    const after = await t.server.database.db.selectFrom('executions').select('id').orderBy('seq').execute()
    expect(after).toEqual(before)
  })
})
