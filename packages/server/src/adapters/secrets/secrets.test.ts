import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresStart, startTestServer, type TestServer } from '../../../test/harness.ts'
import { type OpenBaoProcess, openBaoBinary, ROOT_TOKEN, startOpenBao } from '../../../test/openbao.ts'
import { KEPT_VERSIONS, type SecretStore, SecretsUnavailable } from '../../ports/secrets.ts'
import { createSealedSecrets } from '../../storage/sealed-secrets.ts'
import { createNaclSecretBox } from '../secret-box/nacl.ts'
import { createOpenBaoSecrets, type OpenBaoOptions } from './openbao.ts'

/** What every secret store must do. Each test has a tenant of its own. */
function behavesLikeASecretStore(name: string, store: () => SecretStore): void {
  const tenant = () => ({ tenantId: randomUUID() })

  describe(name, () => {
    it('gives back what was written, to the character', async () => {
      const [secrets, owner] = [store(), tenant()]
      const fields = {
        value: 'p@ss "word"\\ \u0000\n\té 😀 \u2028',
        large: '9007199254740993',
        empty: '',
        __proto: 'x',
        long: 'x'.repeat(200_000),
      }
      expect(await secrets.write(owner, 'db/pass.word', fields)).toMatchObject({ version: 1, state: 'live' })
      expect(await secrets.read(owner, 'db/pass.word')).toMatchObject({ state: 'live', version: 1, fields })
    })

    it('keeps earlier versions, and forgets the ones beyond the limit', async () => {
      const [secrets, owner] = [store(), tenant()]
      for (let number = 1; number <= KEPT_VERSIONS + 2; number++)
        expect(await secrets.write(owner, 'k', { value: `v${number}` })).toMatchObject({ version: number })
      expect(await secrets.read(owner, 'k')).toMatchObject({ fields: { value: 'v12' } })
      expect(await secrets.read(owner, 'k', 3)).toMatchObject({ version: 3, fields: { value: 'v3' } })
      expect(await secrets.read(owner, 'k', 2)).toEqual({ state: 'missing' })
      expect(await secrets.read(owner, 'k', 99)).toEqual({ state: 'missing' })
      expect((await secrets.versions(owner, 'k')).map(({ version }) => version)).toEqual([
        12, 11, 10, 9, 8, 7, 6, 5, 4, 3,
      ])
    })

    it('of writers on top of one version, exactly one wins', async () => {
      const [secrets, owner] = [store(), tenant()]
      const first = await Promise.all(
        Array.from({ length: 8 }, (_, index) => secrets.write(owner, 'k', { value: `${index}` }, 0)),
      )
      expect(first.filter((written) => written !== null)).toHaveLength(1)
      const second = await Promise.all(
        Array.from({ length: 8 }, (_, index) => secrets.write(owner, 'k', { value: `${index}` }, 1)),
      )
      expect(second.filter((written) => written !== null)).toMatchObject([{ version: 2 }])
      expect(await secrets.write(owner, 'k', { value: 'late' }, 1)).toBeNull()
      expect(await secrets.write(owner, 'other', { value: 'on top of nothing' }, 1)).toBeNull()
    })

    it('writers at once lose nothing: each gets a version of its own', async () => {
      const [secrets, owner] = [store(), tenant()]
      const written = await Promise.all(
        Array.from({ length: KEPT_VERSIONS }, (_, index) => secrets.write(owner, 'k', { value: `${index}` })),
      )
      expect(written.map((one) => one?.version).sort((a = 0, b = 0) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    })

    it('tells destroyed from missing, and leaves the other versions readable', async () => {
      const [secrets, owner] = [store(), tenant()]
      await secrets.write(owner, 'k', { value: 'a' })
      await secrets.write(owner, 'k', { value: 'b' })
      expect(await secrets.destroy(owner, 'k', 2)).toBe(true)
      expect(await secrets.read(owner, 'k')).toEqual({ state: 'destroyed', version: 2 })
      expect(await secrets.read(owner, 'k', 1)).toMatchObject({ state: 'live', fields: { value: 'a' } })
      expect(await secrets.read(owner, 'unknown')).toEqual({ state: 'missing' })
      expect((await secrets.versions(owner, 'k')).map(({ state }) => state)).toEqual(['destroyed', 'live'])
      expect(await secrets.destroy(owner, 'k', 7)).toBe(false)
      expect(await secrets.destroy(owner, 'unknown', 1)).toBe(false)
      expect(await secrets.list(owner, '')).toEqual([])
    })

    it('removes a secret with all its versions', async () => {
      const [secrets, owner] = [store(), tenant()]
      await secrets.write(owner, 'k', { value: 'a' })
      await secrets.write(owner, 'k', { value: 'b' })
      expect(await secrets.remove(owner, 'k')).toBe(true)
      expect(await secrets.read(owner, 'k', 1)).toEqual({ state: 'missing' })
      expect(await secrets.versions(owner, 'k')).toEqual([])
      expect(await secrets.remove(owner, 'k')).toBe(false)
      expect(await secrets.write(owner, 'k', { value: 'new' }, 0)).toMatchObject({ version: 1 })
    })

    it('lists by prefix, in the order of the paths, through every folder', async () => {
      const [secrets, owner] = [store(), tenant()]
      for (const path of ['db/b', 'db/a', 'db', 'db-2/x/y/z', 'Zed', 'a.b_c-d'])
        await secrets.write(owner, path, { value: path })
      await secrets.write(owner, 'db/a', { value: 'again' })
      const paths = async (prefix: string) => (await secrets.list(owner, prefix)).map(({ path }) => path)
      expect(await paths('')).toEqual(['Zed', 'a.b_c-d', 'db', 'db-2/x/y/z', 'db/a', 'db/b'])
      expect(await paths('db')).toEqual(['db', 'db-2/x/y/z', 'db/a', 'db/b'])
      expect(await paths('db/')).toEqual(['db/a', 'db/b'])
      expect(await paths('db-2/x/')).toEqual(['db-2/x/y/z'])
      expect(await paths('nothing/here')).toEqual([])
      expect(await secrets.list(owner, 'db/a')).toMatchObject([{ version: 2 }])
    })

    it("one tenant's secrets are nothing to another", async () => {
      const [secrets, owner, stranger] = [store(), tenant(), tenant()]
      await secrets.write(owner, 'k', { value: 'mine' })
      expect(await secrets.read(stranger, 'k')).toEqual({ state: 'missing' })
      expect(await secrets.list(stranger, '')).toEqual([])
      expect(await secrets.remove(stranger, 'k')).toBe(false)
      expect(await secrets.destroy(stranger, 'k', 1)).toBe(false)
      expect(await secrets.write(stranger, 'k', { value: 'theirs' }, 0)).toMatchObject({ version: 1 })
      expect(await secrets.read(owner, 'k')).toMatchObject({ fields: { value: 'mine' } })
    })
  })
}

const key = Buffer.alloc(32, 7)
const sealedIn = (t: TestServer, masterKey: Uint8Array = key) =>
  createSealedSecrets({
    database: t.server.database,
    secretBox: createNaclSecretBox(masterKey),
    clock: t.clock,
  })

const databases = { SQLite: startTestServer, PostgreSQL: postgresStart() }
for (const [name, start] of Object.entries(databases))
  describe.skipIf(start === null)(`sealed rows (${name})`, () => {
    let t: TestServer
    beforeAll(async () => {
      t = await (start ?? startTestServer)()
    })
    afterAll(() => t.close())

    behavesLikeASecretStore('behave as every store', () => sealedIn(t))

    it('hold no value that can be read, and open under no other key', async () => {
      const owner = { tenantId: randomUUID() }
      await sealedIn(t).write(owner, 'k', { value: 'plainly visible' })
      const rows = await t.server.database.db.selectFrom('secret_versions').selectAll().execute()
      expect(rows.map((row) => Buffer.from(row.value_sealed ?? []).toString('latin1')).join()).not.toContain('plainly')
      const refused = sealedIn(t, Buffer.alloc(32, 8)).read(owner, 'k')
      await expect(refused).rejects.toThrow(SecretsUnavailable)
      await expect(refused).rejects.toThrow(/LICTOR_MASTER_KEY/)
    })

    it('do not open where they were moved to by another hand', async () => {
      const [owner, stranger] = [{ tenantId: randomUUID() }, { tenantId: randomUUID() }]
      const secrets = sealedIn(t)
      await secrets.write(owner, 'k', { value: 'mine' })
      await secrets.write(stranger, 'k', { value: 'theirs' })
      const { db } = t.server.database
      const mine = await db
        .selectFrom('secret_versions')
        .select('value_sealed')
        .where('tenant_id', '=', owner.tenantId)
        .executeTakeFirstOrThrow()
      await db.updateTable('secret_versions').set(mine).where('tenant_id', '=', stranger.tenantId).execute()
      await expect(secrets.read(stranger, 'k')).rejects.toThrow(/altered/)
    })
  })

describe.skipIf(openBaoBinary === null)('OpenBao', () => {
  let bao: OpenBaoProcess
  beforeAll(async () => {
    bao = await startOpenBao()
  }, 300_000)
  afterAll(() => bao?.stop())

  const inBao = (options: Partial<OpenBaoOptions> = {}) =>
    createOpenBaoSecrets({
      address: bao.address,
      namespace: '',
      mount: 'secret',
      prefix: 'lictor',
      login: { kind: 'token', token: ROOT_TOKEN },
      fetch,
      ...options,
    })

  behavesLikeASecretStore('behaves as every store', () => inBao())

  it('holds secrets where an operator finds them', async () => {
    const tenantId = randomUUID()
    await inBao().write({ tenantId }, 'secrets/db/password', { value: 'x' })
    expect(await bao.request('GET', `secret/data/lictor/${tenantId}/secrets/db/password`)).toMatchObject({
      data: { data: { value: 'x' } },
    })
  })

  it('tells what somebody else deleted from what never was', async () => {
    const owner = { tenantId: randomUUID() }
    const secrets = inBao()
    await secrets.write(owner, 'k', { value: 'x' })
    await bao.request('DELETE', `secret/data/lictor/${owner.tenantId}/k`)
    expect(await secrets.read(owner, 'k')).toEqual({ state: 'deleted', version: 1 })
    expect(await secrets.versions(owner, 'k')).toMatchObject([{ state: 'deleted' }])
    expect(await secrets.list(owner, '')).toEqual([])
    // A version was there: nothing but a write on top of it goes through.
    expect(await secrets.write(owner, 'k', { value: 'y' }, 0)).toBeNull()
    expect(await secrets.write(owner, 'k', { value: 'y' }, 1)).toMatchObject({ version: 2 })
  })

  it('gives what others wrote as numbers or objects as texts', async () => {
    const { tenantId } = { tenantId: randomUUID() }
    await bao.request('POST', `secret/data/lictor/${tenantId}/k`, { data: { port: 5432, tls: { on: true } } })
    expect(await inBao().read({ tenantId }, 'k')).toMatchObject({ fields: { port: '5432', tls: '{"on":true}' } })
  })

  it('refuses everything while it is sealed, and goes on when it is not', async () => {
    const owner = { tenantId: randomUUID() }
    const sealed = await startOpenBao()
    try {
      const secrets = inBao({ address: sealed.address })
      await secrets.write(owner, 'k', { value: 'x' })
      await sealed.seal()
      for (const attempt of [
        () => secrets.read(owner, 'k'),
        () => secrets.write(owner, 'k', { value: 'y' }),
        () => secrets.list(owner, ''),
        () => secrets.remove(owner, 'k'),
      ])
        await expect(attempt()).rejects.toThrow(/sealed/)
      await sealed.unseal()
      expect(await secrets.read(owner, 'k')).toMatchObject({ version: 1, fields: { value: 'x' } })
    } finally {
      await sealed.stop()
    }
  })

  it('says which setting is wrong: address, token, mount', async () => {
    const owner = { tenantId: randomUUID() }
    const wrong = async (options: Partial<OpenBaoOptions>) =>
      inBao(options)
        .read(owner, 'k')
        .then(String, (error: Error) => `${error.name}: ${error.message}`)
    expect(await wrong({ address: 'http://127.0.0.1:9' })).toMatch(/^SecretsUnavailable: .*LICTOR_OPENBAO_ADDRESS/)
    const token = 'not-the-token'
    const refused = await wrong({ login: { kind: 'token', token } })
    expect(refused).toMatch(/^SecretsUnavailable: .*permission denied/)
    expect(refused).not.toContain(token)
    expect(await wrong({ mount: 'elsewhere' })).toMatch(/^SecretsUnavailable: .*LICTOR_OPENBAO_MOUNT|permission denied/)
  })

  it('logs in with an AppRole, again when its token was revoked, and says when the secret id is used up', async () => {
    await bao.request('POST', 'sys/auth/approle', { type: 'approle' })
    await bao.request('PUT', 'sys/policies/acl/lictor', {
      policy: 'path "secret/*" { capabilities = ["create","read","update","delete","list"] }',
    })
    await bao.request('POST', 'auth/approle/role/lictor', { token_policies: 'lictor', secret_id_num_uses: 2 })
    const { data: role } = (await bao.request('GET', 'auth/approle/role/lictor/role-id')) as {
      data: { role_id: string }
    }
    const { data: secret } = (await bao.request('POST', 'auth/approle/role/lictor/secret-id')) as {
      data: { secret_id: string }
    }
    const used: string[] = []
    const owner = { tenantId: randomUUID() }
    const secrets = inBao({
      login: { kind: 'approle', roleId: role.role_id, secretId: secret.secret_id },
      fetch: (input, init) => {
        const token = new Headers(init?.headers).get('x-vault-token')
        if (token) used.push(token)
        return fetch(input, init)
      },
    })
    await Promise.all([1, 2, 3, 4].map(() => secrets.write(owner, 'k', { value: 'x' })))
    expect(new Set(used).size).toBe(1)
    const revoke = () => bao.request('POST', 'auth/token/revoke', { token: used.at(-1) })
    await revoke()
    const read = await Promise.all([1, 2, 3, 4].map(() => secrets.read(owner, 'k')))
    expect(read.map(({ state }) => state)).toEqual(['live', 'live', 'live', 'live'])
    expect(new Set(used).size).toBe(2)
    await revoke()
    await expect(secrets.read(owner, 'k')).rejects.toThrow(/LICTOR_OPENBAO_SECRET_ID/)
  })

  it('keeps to its namespace', async () => {
    await bao.request('POST', 'sys/namespaces/t1')
    await bao.request('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } }, { 'x-vault-namespace': 't1' })
    const owner = { tenantId: randomUUID() }
    await inBao({ namespace: 't1', mount: 'kv' }).write(owner, 'k', { value: 'in t1' })
    expect(await inBao({ namespace: 't1', mount: 'kv' }).read(owner, 'k')).toMatchObject({ state: 'live' })
    expect(await inBao().read(owner, 'k')).toEqual({ state: 'missing' })
  })
})
