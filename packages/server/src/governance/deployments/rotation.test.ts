import { randomBytes, randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { denying, libraryOf } from '../../../test/library.ts'
import { createNaclSecretBox } from '../../adapters/secret-box/nacl.ts'
import { privateKeyOf, publicBytesOf, verifyBytes } from '../signing/ed25519.ts'

onEachDatabase('signing keys', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  type Headers = Record<string, string>
  const keysOf = async (tenantId?: string) => {
    const rows = await t.server.database.db.selectFrom('signing_keys').selectAll().orderBy('created_at').execute()
    return rows.filter((row) => tenantId === undefined || row.tenant_id === tenantId)
  }
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  const rotate = (headers?: Headers) => libraryOf(t, headers).call('POST', '/settings/rotate-signing-key')
  const upload = async (name: string, headers?: Headers) =>
    (await libraryOf(t, headers).call('POST', '/bundles', { yaml_content: bundleYaml(name) })).json()
  const deploy = (name: string, version = 1, env = 'production') =>
    libraryOf(t).call('POST', `/bundles/${name}/${version}/deploy`, { env })
  const current = async (name: string, env = 'production') =>
    (await libraryOf(t).get(`/bundles/${name}/current?env=${env}`)).json()
  const isSigned = (bundle: { public_key: string; yaml_bytes: string; signature_hex: string }) =>
    verifyBytes(
      Buffer.from(bundle.public_key, 'hex'),
      Buffer.from(bundle.yaml_bytes, 'base64'),
      Buffer.from(bundle.signature_hex, 'hex'),
    )

  it('the first tenant has one active key, whose seed lies sealed', async () => {
    t = await start()
    await t.admin()
    const [key, ...more] = await keysOf()
    expect([key?.active, more]).toEqual([1, []])
    expect(key?.public_key).toHaveLength(32)
    // 24 bytes of nonce, 16 of tag, 32 of seed.
    expect(key?.private_key_sealed).toHaveLength(72)
    expect(hex(key?.private_key_sealed ?? new Uint8Array())).not.toContain(hex(key?.public_key ?? new Uint8Array()))
  })

  it('two rotations give two keys, one of them active', async () => {
    t = await start()
    const first = (await rotate()).json().public_key
    await t.clock.advance(1_000)
    const answer = await rotate()
    expect([answer.statusCode, answer.json()]).toEqual([
      201,
      {
        public_key: expect.stringMatching(/^[0-9a-f]{64}$/),
        rotated_at: '2026-03-01T12:00:01Z',
        deployments_re_signed: 0,
      },
    ])
    expect(answer.json().public_key).not.toBe(first)
    const active = (await keysOf()).filter((key) => key.active === 1)
    expect(active.map((key) => hex(key.public_key))).toEqual([answer.json().public_key])
    expect(await keysOf()).toHaveLength(3)
  })

  it("a rotation leaves another tenant's key and signatures as they are", async () => {
    t = await start()
    const other = await t.otherTenant()
    const { tenant_id } = await upload('theirs', other)
    await libraryOf(t, other).call('POST', '/bundles/theirs/1/deploy', { env: 'production' })
    const signature = async () => (await libraryOf(t, other).get('/bundles/theirs/1')).json().signature_hex
    const [keys, signed] = [await keysOf(tenant_id), await signature()]
    expect((await rotate()).json()).toMatchObject({ deployments_re_signed: 0 })
    expect(await keysOf(tenant_id)).toEqual(keys)
    expect(await signature()).toBe(signed)
  })

  it('a rotation signs each version once that is in force somewhere, and no other', async () => {
    t = await start()
    for (const name of ['devops', 'devops', 'devops', 'billing']) await upload(name)
    await deploy('devops', 1)
    await deploy('devops', 2)
    await deploy('devops', 2, 'staging')
    await deploy('billing', 1, 'development')
    const signature = async (version: number) =>
      (await libraryOf(t).get(`/bundles/devops/${version}`)).json().signature_hex
    const superseded = await signature(1)
    expect((await rotate()).json().deployments_re_signed).toBe(2)
    for (const [name, env] of [
      ['devops', 'production'],
      ['devops', 'staging'],
      ['billing', 'development'],
    ] as const)
      expect(isSigned(await current(name, env))).toBe(true)
    expect(await signature(1)).toBe(superseded)
    expect(await signature(3)).toBe(null)
    // What was left is signed anew when it is deployed again.
    await deploy('devops', 1)
    expect(await signature(1)).not.toBe(superseded)
    expect(isSigned(await current('devops'))).toBe(true)
  })

  it('a version is signed at its first deployment and keeps that signature', async () => {
    t = await start()
    expect((await upload('devops')).signature_hex).toBe(null)
    await deploy('devops')
    const { signature_hex, public_key } = await current('devops')
    expect(signature_hex).toMatch(/^[0-9a-f]{128}$/)
    expect(public_key).toMatch(/^[0-9a-f]{64}$/)
    await deploy('devops', 1, 'staging')
    await deploy('devops')
    expect((await current('devops')).signature_hex).toBe(signature_hex)
    expect((await libraryOf(t).get('/bundles/devops/1')).json().signature_hex).toBe(signature_hex)
    expect((await libraryOf(t).get('/bundles/devops')).json()[0].signature_hex).toBe(signature_hex)
  })

  it('without an active key nothing unsigned is deployed, and nothing of the attempt is kept', async () => {
    t = await start()
    const api = libraryOf(t)
    await api.contract('a', denying('.env'))
    await api.compose('composed', ['a'])
    await upload('devops')
    const { db } = t.server.database
    await db.updateTable('signing_keys').set({ active: 0 }).execute()
    const before = await db.selectFrom('stream_log').select('id').execute()
    for (const answer of [await deploy('devops'), await api.deploy('composed')])
      expect([answer.statusCode, answer.json()]).toEqual([422, { detail: 'No active signing key for tenant' }])
    expect((await api.get('/deployments')).json()).toEqual([])
    expect((await api.get('/bundles')).json().map((row: { name: string }) => row.name)).toEqual(['devops'])
    expect(await db.selectFrom('stream_log').select('id').execute()).toEqual(before)
    expect((await rotate()).statusCode).toBe(201)
    expect((await api.deploy('composed')).statusCode).toBe(201)
  })

  it('a version that is signed already is deployed without a key, and tells no public key', async () => {
    t = await start()
    await upload('devops')
    await deploy('devops')
    const { signature_hex } = await current('devops')
    const { db } = t.server.database
    await db.updateTable('signing_keys').set({ active: 0 }).execute()
    expect((await deploy('devops', 1, 'staging')).statusCode).toBe(201)
    expect(await current('devops', 'staging')).toMatchObject({ signature_hex, public_key: null })
    const told = await db
      .selectFrom('stream_log')
      .selectAll()
      .where('type', '=', 'contract_update')
      .orderBy('id', 'desc')
      .executeTakeFirstOrThrow()
    expect(JSON.parse(told.data)).toMatchObject({ signature: signature_hex, public_key: null })
  })

  it('a server that starts gives a key to each tenant that has none', async () => {
    t = await start()
    await t.otherTenant()
    const { db } = t.server.database
    const [kept, lost] = await keysOf()
    await db
      .deleteFrom('signing_keys')
      .where('id', '=', lost?.id ?? '')
      .execute()
    await t.listen()
    expect((await keysOf(kept?.tenant_id)).map((key) => key.id)).toEqual([kept?.id])
    expect((await keysOf(lost?.tenant_id)).map((key) => key.active)).toEqual([1])
  })

  it('only an administrator rotates', async () => {
    t = await start()
    const answer = await rotate(await t.member())
    expect([answer.statusCode, answer.json()]).toEqual([403, { detail: 'Admin access required.' }])
    expect(await keysOf()).toHaveLength(1)
  })

  it('twenty deployments and a rotation at once: what is in force is signed by the key that is active', async () => {
    t = await start()
    await upload('devops')
    await deploy('devops')
    const work = Array.from({ length: 20 }, (_, index) => (index === 10 ? rotate() : deploy('devops')))
    for (const answer of await Promise.all(work)) expect(answer.statusCode).toBe(201)
    expect(isSigned(await current('devops'))).toBe(true)
  })
})

describe('a sealed seed', () => {
  it('comes back whole under the key it was sealed with, and under no other', () => {
    const seed = randomBytes(32)
    const box = createNaclSecretBox(Buffer.alloc(32, 7))
    const sealed = box.seal(seed)
    expect(Buffer.from(box.open(sealed))).toEqual(seed)
    expect(() => createNaclSecretBox(Buffer.alloc(32, 8)).open(sealed)).toThrow()
    for (const [at, byte] of sealed.entries()) {
      const tampered = Buffer.from(sealed)
      tampered[at] = byte ^ 1
      expect(() => box.open(tampered)).toThrow()
    }
    expect(box.seal(seed)).not.toEqual(sealed)
  })

  it('signs so that anybody with the public key can tell', () => {
    const seed = randomBytes(32)
    const text = Buffer.from(randomUUID())
    const key = privateKeyOf(seed)
    const again = privateKeyOf(
      createNaclSecretBox(Buffer.alloc(32)).open(createNaclSecretBox(Buffer.alloc(32)).seal(seed)),
    )
    expect(publicBytesOf(again)).toEqual(publicBytesOf(key))
    expect(verifyBytes(publicBytesOf(key), text, Buffer.alloc(64))).toBe(false)
  })
})
