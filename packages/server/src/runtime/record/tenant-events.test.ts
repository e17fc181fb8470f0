import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { deployAgent, readStream, type StreamedEvent, serviceHeaders } from '../../../test/runtime.ts'
import { sealHand } from '../../../test/seal.ts'

const DAY = 86_400_000
const VALUE = 'a-value-that-nobody-sees'

onEachDatabase('what happens to things of a tenant', (start) => {
  let t: TestServer
  let address: string
  let headers: Record<string, string>
  afterEach(() => t.close())

  async function open(environment: Record<string, string> = {}): Promise<void> {
    t = await start({ environment })
    address = await t.listen()
    headers = await serviceHeaders(t)
  }
  /** Beside who signed in, which identity-events.test.ts is about. */
  const told = async (as = headers, more: Record<string, string> = {}) => {
    const events = await readStream(address, '/v1/observability/events?follow=false', { ...as, ...more })
    return events.filter(({ category }) => category !== 'iam')
  }
  const types = (events: readonly StreamedEvent[]) => events.map(({ type }) => type)
  const call = async (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    payload?: object,
    as = headers,
  ) => {
    const answer = await t.request({ method, url, headers: as, ...(payload ? { payload } : {}) })
    return { status: answer.statusCode, body: answer.json<Record<string, string>>() }
  }

  it('secrets: written, read and refused, without their values', async () => {
    await open()
    expect((await call('PUT', '/v1/secrets/db/password', { value: VALUE })).status).toBeLessThan(300)
    expect((await call('GET', '/v1/secrets/db/password')).status).toBe(200)
    expect((await call('GET', '/v1/secrets/db/other')).status).toBe(404)
    const events = await told()
    expect(types(events)).toEqual(['secret_written', 'secret_retrieved', 'secret_access_denied'])
    const access_context = { orchestrator_id: expect.any(String), execution_id: null, agent_id: null }
    expect(events).toMatchObject([
      {
        category: 'secrets',
        engine: 'kv',
        path: 'db/password',
        version: 1,
        written_at: expect.any(String),
        access_context,
      },
      { details: { type: 'secrets', SecretRetrieved: { path: 'db/password', retrieved_at: expect.any(String) } } },
      { path: 'db/other', reason: expect.stringContaining('no such secret'), denied_at: expect.any(String) },
    ])
    expect(JSON.stringify(events)).not.toContain(VALUE)
  })

  it("another tenant's path is not found, and told once, in the tenant that asked", async () => {
    await open()
    await call('PUT', '/v1/secrets/db/password', { value: VALUE })
    const foreign = await t.otherTenant()
    expect((await call('GET', '/v1/secrets/db/password', undefined, foreign)).status).toBe(404)
    expect(types(await told(foreign))).toEqual(['secret_access_denied'])
    expect(types(await told())).toEqual(['secret_written'])
  })

  it('credentials: each change with what it changed, and none that was refused', async () => {
    await open()
    const agent = await deployAgent(t, headers)
    const { id } = (await call('POST', '/v1/credentials/api-keys', { provider: 'github', api_key: VALUE })).body
    const url = `/v1/credentials/${id}`
    const grant = (await call('POST', `${url}/grants`, { agent_id: agent })).body.grant_id
    await call('POST', `${url}/rotate`, { new_value: `${VALUE}-2` })
    await call('DELETE', `${url}/grants/${grant}`)
    expect((await call('DELETE', `${url}/grants/${grant}`)).status).toBe(404)
    await call('DELETE', url)
    expect((await call('POST', `${url}/rotate`, { new_value: 'x' })).status).toBe(409)
    const events = await told()
    expect(types(events)).toEqual([
      'credential_created',
      'credential_granted',
      'credential_rotated',
      'credential_grant_revoked',
      'credential_revoked',
    ])
    expect(events).toMatchObject([
      { binding_id: id, provider: 'github', credential_type: 'secret', owner_user_id: expect.any(String) },
      { binding_id: id, grant_id: grant, target: { kind: 'agent', agent_id: agent }, granted_by: expect.any(String) },
      { binding_id: id },
      { binding_id: id, grant_id: grant },
      { binding_id: id },
    ])
    expect(JSON.stringify(events)).not.toContain(VALUE)
  })

  it('volumes: made, refused what they may not hold, deleted', async () => {
    await open()
    const made = (await call('POST', '/v1/volumes', { label: 'data', size_limit_bytes: 10 })).body
    const upload = (path: string, content: string) =>
      t.request({
        method: 'POST',
        url: `/v1/volumes/${made.id}/files/upload?path=${encodeURIComponent(path)}`,
        headers: { ...headers, 'content-type': 'multipart/form-data; boundary=x' },
        payload: `--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n${content}\r\n--x--\r\n`,
      })
    expect((await upload('a.txt', 'x'.repeat(11))).statusCode).toBe(422)
    expect((await upload('../a.txt', 'x')).statusCode).toBe(422)
    await call('DELETE', `/v1/volumes/${made.id}`)
    const events = await told()
    expect(types(events)).toEqual([
      'volume_created',
      'quota_exceeded',
      'volume_quota_exceeded',
      'path_traversal_blocked',
      'volume_deleted',
    ])
    expect(events).toMatchObject([
      { volume_id: made.id, size_limit_bytes: 10, storage_class: { type: 'persistent' } },
      { volume_id: made.id, requested_bytes: expect.any(Number), available_bytes: 10 },
      { volume_id: made.id, size_limit_bytes: 10, actual_bytes: 0 },
      { attempted_path: '../a.txt' },
      { volume_id: made.id },
    ])
  })

  it('files of volumes: each is told as what was done with it, where, and how much', async () => {
    await open()
    const { id } = (await call('POST', '/v1/volumes', { label: 'data' })).body
    const put = (path: string, payload: string) =>
      t.request({
        method: 'POST',
        url: `/v1/volumes/${id}/files/upload?path=${path}`,
        headers: { ...headers, 'content-type': 'application/octet-stream' },
        payload,
      })
    await put('deep/a.txt', 'one')
    await put('deep/a.txt', 'longer')
    await call('GET', `/v1/volumes/${id}/files?path=deep`)
    const range = { ...headers, range: 'bytes=2-4' }
    await t.request({ method: 'GET', url: `/v1/volumes/${id}/files/download?path=deep/a.txt`, headers: range })
    await expect.poll(async () => types(await told()).at(-1)).toBe('file_read')
    await call('POST', `/v1/volumes/${id}/files/move`, { from: 'deep/a.txt', to: 'deep/b.txt' })
    await call('DELETE', `/v1/volumes/${id}/files?path=deep`)
    const [made, ...events] = await told()
    expect(made?.type).toBe('volume_created')
    const of = (type: string, path: string, more: object = {}) => ({
      type,
      category: 'storage',
      stage: 'storage',
      volume_id: id,
      path,
      execution_id: null,
      workflow_execution_id: null,
      ...more,
    })
    expect(events).toMatchObject([
      of('file_created', '/deep', { is_dir: true, created_at: expect.any(String) }),
      of('file_created', '/deep/a.txt'),
      of('file_written', '/deep/a.txt', { offset: 0, bytes_written: 3, duration_ms: expect.any(Number) }),
      of('file_written', '/deep/a.txt', { bytes_written: 6 }),
      of('directory_listed', '/deep', { entry_count: 1, listed_at: expect.any(String) }),
      of('file_read', '/deep/a.txt', { offset: 2, bytes_read: 3, duration_ms: expect.any(Number) }),
      of('file_deleted', '/deep/a.txt', { moved_to: '/deep/b.txt' }),
      of('file_created', '/deep/b.txt', { moved_from: '/deep/a.txt' }),
      of('file_deleted', '/deep', { is_dir: true, deleted_at: expect.any(String) }),
      of('file_deleted', '/deep/b.txt'),
    ])
  })

  it('whoever makes volumes is warned from 80 percent of the tier on, and not before', async () => {
    await open({ LICTOR_VOLUME_TIER: 'free' })
    const MIB = 1024 ** 2
    await call('POST', '/v1/volumes', { label: 'a', size_limit_bytes: 399 * MIB })
    await call('POST', '/v1/volumes', { label: 'b', size_limit_bytes: 51 * MIB })
    const events = await told()
    expect(types(events)).toEqual(['volume_created', 'volume_created', 'user_volume_quota_warning'])
    expect(events.at(-1)).toMatchObject({ owner_user_id: null, usage_percent: 90, warned_at: expect.any(String) })
  })

  it('sessions of SEAL: attested, kept from a tool, revoked', async () => {
    await open()
    const seal = await sealHand(t, { security_context: 'default', workload_id: 'builder' }, { headers })
    expect((await seal.call('aegis.system.info', {})).statusCode).toBe(403)
    const [session] = (await t.request({ method: 'GET', url: '/v1/seal/sessions', headers })).json()
    const { execution_id: executionId } = session
    const url = `/v1/seal/sessions/${executionId}`
    const revoked = await t.request({ method: 'DELETE', url, headers })
    expect(revoked.statusCode).toBe(200)
    const events = await told()
    expect(types(events)).toEqual([
      'seal_attestation_completed',
      'seal_session_created',
      'tool_policy_violation',
      'seal_policy_violation_blocked',
      'seal_session_revoked',
    ])
    const of = { category: 'seal', stage: 'security', execution_id: executionId, agent_id: expect.any(String) }
    expect(events).toMatchObject([
      { ...of, security_context_name: 'default', attested_at: expect.any(String) },
      { ...of, session_id: expect.any(String), expires_at: expect.any(String), created_at: expect.any(String) },
      { tool_name: 'aegis.system.info', violation_type: 'ToolNotAllowed', blocked_at: expect.any(String) },
      { ...of, tool_name: 'aegis.system.info', violation_type: 'ToolNotAllowed', blocked_at: expect.any(String) },
      {
        ...of,
        session_id: events[1]?.session_id,
        reason: expect.stringMatching(/^revoked by sa-/),
        revoked_at: expect.any(String),
      },
    ])
  })

  it('verbose adds them to the stream of an agent from then on, for operators; one that comes back misses and repeats nothing', async () => {
    await open()
    const agent = await deployAgent(t, headers)
    const url = `/v1/agents/${agent}/events`
    await call('PUT', '/v1/secrets/before', { value: VALUE })
    const reader = await serviceHeaders(t, { role: 'aegis:readonly' })
    expect((await call('GET', `${url}?verbose=true`, undefined, reader)).status).toBe(403)
    expect((await call('GET', `${url}?verbose=maybe`)).status).toBe(400)
    const change = (version: string) => deployAgent(t, headers, {}, { version })
    const seen = await readStream(address, `${url}?verbose=true`, headers, async ({ type, path }) => {
      if (type === 'agent_deployed') await call('PUT', '/v1/secrets/s1', { value: VALUE })
      if (path === 's1') await change('1.1.0')
      return type === 'agent_updated'
    })
    expect(seen.map(({ type, path }) => [type, path])).toEqual([
      ['agent_deployed', undefined],
      ['secret_written', 's1'],
      ['agent_updated', undefined],
    ])
    await call('PUT', '/v1/secrets/s2', { value: VALUE })
    await change('1.2.0')
    const from = (id: string | undefined) =>
      readStream(address, `${url}?verbose=true&follow=false`, { ...headers, 'last-event-id': id ?? '' })
    expect((await from(seen[0]?.id)).map(({ path, new_version }) => path ?? new_version)).toEqual([
      's1',
      '1.1.0',
      's2',
      '1.2.0',
    ])
    expect((await from(seen[2]?.id)).map(({ path, new_version }) => path ?? new_version)).toEqual(['s2', '1.2.0'])
    const plain = await readStream(address, `${url}?follow=false`, headers)
    expect(types(plain)).toEqual(['agent_deployed', 'agent_updated', 'agent_updated'])
  })

  it('are for operators of the tenant, continue where a client was, and are kept for 90 days', async () => {
    await open()
    const reader = await serviceHeaders(t, { role: 'aegis:readonly' })
    for (const n of [1, 2, 3]) await call('PUT', `/v1/secrets/s${n}`, { value: VALUE })
    expect((await call('GET', '/v1/observability/events', undefined, reader)).status).toBe(403)
    const [first] = await told()
    const after = await told(headers, { 'last-event-id': first?.id ?? '' })
    expect(after.map(({ path }) => path)).toEqual(['s2', 's3'])
    const long = (t.clock.now() - 91 * DAY) * 1000
    const { db } = t.server.database
    await db.updateTable('journal_entries').set({ created_at: long }).where('subject_kind', '=', 'tenant').execute()
    t.clock.set(t.clock.now() + 3_600_000)
    await t.clock.advance(1000)
    const kept = db.selectFrom('journal_entries').select('id').where('subject_kind', '=', 'tenant')
    await expect.poll(async () => (await kept.execute()).length, { timeout: 15_000 }).toBe(1)
    headers = await serviceHeaders(t)
    // The newest stays, so that the numbers go on from it.
    expect((await told()).map(({ path }) => path)).toEqual(['s3'])
    await call('PUT', '/v1/secrets/s4', { value: VALUE })
    expect((await told(headers, { 'last-event-id': after.at(-1)?.id ?? '' })).map(({ path }) => path)).toEqual(['s4'])
  })
})
