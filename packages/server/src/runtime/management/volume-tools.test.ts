import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { call, deployAgent, startExecution, world } from '../../../test/runtime.ts'

const names = [
  ...['create', 'list', 'delete', 'quota'].map((one) => `aegis.volume.${one}`),
  ...['list', 'read', 'write', 'delete', 'mkdir'].map((one) => `aegis.file.${one}`),
  'aegis.attachment.read',
  'fs.read',
]

onEachDatabase('tools over volumes', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  it('do what the routes do, and refuse what the routes refuse, each refusal recorded once', async () => {
    const open = world(async (environment) => {
      t = await start({ environment: { ...environment, LICTOR_SANDBOX: 'process' } })
      return t
    })
    // The id of a volume is known before the turns are written: one made by hand.
    const id = '11111111-1111-4111-8111-111111111111'
    const none = '22222222-2222-4222-8222-222222222222'
    const w = await open([
      call('aegis.volume.create', { label: 'made', size_limit_bytes: 100 }),
      call('aegis.file.write', { volume_id: id, path: 'a/b.txt', content: 'hello' }),
      call('aegis.file.write', { volume_id: id, path: 'c', content: 'x'.repeat(2000) }),
      call('aegis.file.mkdir', { volume_id: id, path: 'd' }),
      call('aegis.file.list', { volume_id: id, path: '/' }),
      call('aegis.file.read', { volume_id: id, path: 'a/b.txt' }),
      call('aegis.file.read', { volume_id: id, path: '../x' }),
      call('aegis.file.read', { volume_id: none, path: 'x' }),
      call('aegis.file.read', { volume_id: 'mine', path: 'x' }),
      call('aegis.attachment.read', { volume_id: 'chat-attachments', path: 'note.txt' }),
      call('aegis.file.delete', { volume_id: id, path: 'a' }),
      call('aegis.volume.quota', {}),
      call('aegis.volume.list', {}),
      call('fs.read', { path: '..%2fx' }),
      call('aegis.volume.delete', { volume_id: id }),
      { text: 'Done.' },
    ])
    // The default context of agents has none of these tools.
    const contexts = '/v1/security-contexts'
    const keeper = { name: 'keeper', capabilities: [{ tool_pattern: 'aegis.*' }, { tool_pattern: 'fs.*' }] }
    expect((await t.request({ method: 'POST', url: contexts, headers: w.headers, payload: keeper })).statusCode).toBe(
      200,
    )
    const spec = { tools: names, security_context: 'keeper' }
    const agent = await deployAgent(t, w.headers, spec, { name: 'keeper' })
    const { db } = t.server.database
    const { tenant_id } = await db.selectFrom('users').select('tenant_id').executeTakeFirstOrThrow()
    await db
      .insertInto('volumes')
      .values({
        id,
        tenant_id,
        owner_kind: 'tenant',
        owner_id: tenant_id,
        purpose: 'files',
        label: 'by hand',
        storage_class: 'persistent',
        size_limit: 1000,
        used_bytes: 0,
        reserved_bytes: 0,
        created_by: 'somebody',
        created_at: 0,
        expires_at: null,
      })
      .execute()
    await t.request({
      method: 'POST',
      url: '/v1/volumes/chat-attachments/files/upload?path=note.txt',
      headers: { ...w.headers, 'content-type': 'application/octet-stream' },
      payload: 'a note',
    })
    const started = await startExecution(t, w.headers, agent)
    const events = await w.events(started)
    const answer = await w.get(started)
    expect(answer.status).toBe('completed')
    const told = w
      .told(events)
      .slice(1)
      .map((text): unknown => (text.startsWith('{') ? JSON.parse(text) : text))
    expect(told).toEqual([
      expect.objectContaining({ label: 'made', size_limit_bytes: 100 }),
      expect.objectContaining({ status: 'written', path: '/a/b.txt', size_bytes: 5 }),
      expect.stringContaining("The volume 'by hand' may hold 1000 bytes"),
      { status: 'created', path: '/d' },
      {
        path: '/',
        entries: [
          { name: 'a', type: 'dir', size_bytes: 0 },
          { name: 'd', type: 'dir', size_bytes: 0 },
        ],
      },
      expect.objectContaining({ content: 'hello', encoding: 'utf-8', mime_type: 'text/plain', size: 5 }),
      expect.stringContaining("contains '..'"),
      expect.stringContaining('volume not found'),
      expect.stringContaining('is no id of a volume'),
      expect.objectContaining({ content: 'a note', encoding: 'utf-8' }),
      { status: 'deleted', path: '/a' },
      expect.objectContaining({ used_bytes: 6 }),
      expect.objectContaining({ count: 3 }),
      expect.any(String),
      { status: 'deleted', id },
    ])
    const { violations } = (
      await t.request({ method: 'GET', url: '/v1/storage/violations', headers: w.headers })
    ).json<{ violations: { category: string; execution_id: string }[] }>()
    expect(violations.map(({ category, execution_id }) => [category, execution_id !== ''])).toEqual([
      ['path_traversal_blocked', true],
      ['path_traversal_blocked', true],
      ['quota_exceeded', true],
    ])
  })
})
