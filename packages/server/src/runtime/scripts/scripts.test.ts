import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { call, types, world } from '../../../test/runtime.ts'
import { systemRandom } from '../../adapters/random/system.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import { tierOf } from '../volumes/volume.ts'
import { createScripts } from './scripts.ts'
import { createScriptStore } from './store.ts'

const names = ['save', 'list', 'get', 'update', 'delete'].map((one) => `aegis.script.${one}`)
const consumer = (tenantId: string, subject: string) => ({
  kind: 'token' as const,
  subject,
  tenantId,
  identity: 'consumer' as const,
  role: 'user' as const,
  scopes: new Set<string>(),
})

onEachDatabase('tools over scripts', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  it('keep a script, find it, change it and delete it, and the stream of the execution tells of each', async () => {
    const id = '11111111-1111-4111-8111-111111111111'
    const open = world(async (environment) => {
      t = await start({ environment: { ...environment, LICTOR_SANDBOX: 'process' } })
      return t
    })
    const w = await open(
      [
        call('aegis.script.save', {
          name: 'greet',
          code: 'echo hello',
          description: 'Says Hello.',
          tags: ['sh', 'sh'],
        }),
        call('aegis.script.save', { name: 'greet', code: 'echo again' }),
        call('aegis.script.save', { name: 'large', code: 'x'.repeat(256 * 1024 + 1) }),
        call('aegis.script.save', { name: 'é'.repeat(65), code: 'x' }),
        call('aegis.script.save', { name: 'x', code: 'x', description: 'x'.repeat(2049) }),
        call('aegis.script.save', { name: 'x', code: 'x', tags: Array.from({ length: 17 }, (_, at) => `t${at}`) }),
        call('aegis.script.save', { name: 'x', code: 'x', tags: ['x'.repeat(33)] }),
        call('aegis.script.list', { q: 'HELLO' }),
        call('aegis.script.list', { tag: 'py' }),
        call('aegis.script.get', { id }),
        call('aegis.script.update', { id, name: 'by hand', code: 'new' }),
        call('aegis.script.update', { id, name: 'greet', code: 'new' }),
        call('aegis.script.get', { id }),
        call('aegis.script.delete', { id }),
        call('aegis.script.delete', { id }),
        call('aegis.script.get', { id: 'none' }),
        { text: 'Done.' },
      ],
      { tools: names, security_context: 'aegis-system-operator' },
    )
    const { db } = t.server.database
    const { tenant_id } = await db.selectFrom('users').select('tenant_id').executeTakeFirstOrThrow()
    await createScriptStore(t.server.database).insert(
      {
        id,
        tenantId: tenant_id,
        owner: { kind: 'tenant', id: tenant_id },
        name: 'by hand',
        code: 'old',
        description: 'kept',
        tags: ['kept'],
        version: 7,
        createdBy: 'somebody',
        createdAt: 0,
        updatedAt: 0,
      },
      db,
    )
    const { events, answer } = await w.run()
    expect(answer.status).toBe('completed')
    const told = w
      .told(events)
      .slice(1)
      .map((text): unknown => (text.startsWith('{') ? JSON.parse(text) : text))
    expect(told).toEqual([
      expect.objectContaining({ name: 'greet', version: 1, tags: ['sh'] }),
      expect.stringContaining("There is a script 'greet' already"),
      expect.stringContaining('code has 262145 bytes; at most 262144 are kept.'),
      expect.stringContaining('name has 130 bytes; at most 128 are kept.'),
      expect.stringContaining('description has 2049 bytes; at most 2048 are kept.'),
      expect.stringContaining('tags has 17 entries; at most 16 are kept.'),
      expect.stringContaining('a tag has 33 bytes; at most 32 are kept.'),
      { scripts: [expect.not.objectContaining({ code: expect.anything() })], count: 1 },
      { scripts: [], count: 0 },
      expect.objectContaining({ name: 'by hand', code: 'old', version: 7 }),
      expect.objectContaining({ version: 8, description: 'kept', tags: ['kept'] }),
      expect.stringContaining("There is a script 'greet' already"),
      expect.objectContaining({ code: 'new', version: 8 }),
      { status: 'deleted', id },
      expect.stringContaining(`There is no script '${id}'.`),
      expect.stringContaining("There is no script 'none'."),
    ])
    expect(types(events).filter((type) => type.startsWith('script_'))).toEqual([
      'script_created',
      'script_updated',
      'script_deleted',
    ])
    expect(events.find(({ type }) => type === 'script_updated')).toMatchObject({
      id: expect.any(String),
      name: 'by hand',
      new_version: 8,
      category: 'script',
    })
  })

  it('belong to a consumer or to the tenant, and nobody else sees them; together never more than the tier allows', async () => {
    t = await start()
    const { database } = t.server
    const store = createScriptStore(database)
    const scripts = createScripts({
      database,
      store,
      clock: t.clock,
      random: systemRandom,
      tier: tierOf({ volumeTier: 'free' }),
    })
    const [mine, other] = [consumer('t1', 'a'), consumer('t1', 'b')]
    const kept = await scripts.save(mine, { name: 'one', code: 'x' })
    for (const stranger of [other, consumer('t2', 'a')]) {
      await expect(scripts.get(stranger, kept.id)).rejects.toThrow('There is no script')
      await expect(scripts.update(stranger, kept.id, { name: 'y', code: 'y' })).rejects.toThrow('There is no script')
      await expect(scripts.delete(stranger, kept.id)).rejects.toThrow('There is no script')
      expect(await scripts.list(stranger, { tag: null, text: null })).toEqual([])
    }
    const saved = await Promise.allSettled(
      Array.from({ length: 8 }, (_, at) => scripts.save(mine, { name: `n${at}`, code: 'x' })),
    )
    expect(saved.filter(({ status }) => status === 'fulfilled')).toHaveLength(4)
    expect(saved.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { message: 'LICTOR_VOLUME_TIER allows 5 scripts. Delete one, or update one that is there.' },
    })
    expect(await store.list(scopeOfRecord({ tenantId: 't1' }), { kind: 'user', id: 'a' })).toHaveLength(5)
  })
})
