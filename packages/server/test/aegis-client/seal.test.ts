import { type AegisClient, NotFoundError } from '@lictor/aegis'
import { createSealEnvelope, Ed25519Key, encodeSealEnvelope } from '@lictor/seal'
import { expect, it } from 'vitest'
import type { TestServer } from '../harness.ts'
import { toolCall } from '../seal.ts'
import { driveGroup } from './driven.ts'

/** Who attested with a key, and calls tools by it. */
async function attested(t: TestServer, client: AegisClient, body: object = {}) {
  const key = Ed25519Key.generate()
  const answer = await client.attestSeal({
    agent_public_key: key.getPublicKeyBase64(),
    security_context: 'default',
    ...body,
  })
  const envelope = (name: string, args: object) =>
    createSealEnvelope(answer.security_token, toolCall(name, args), key, { now: t.clock.now })
  return {
    answer,
    envelope,
    call: (name: string, args: object = {}) => client.invokeSeal(envelope(name, args)),
  }
}

driveGroup('seal', (open) => {
  it('an attested key calls tools by signed envelopes, each once, until its session is revoked', async () => {
    const { t, client } = await open()
    const hand = await attested(t, client, { workload_id: 'wl', task_summary: 'Tidy up' })
    expect(hand.answer).toMatchObject({ status: 'success', session_id: expect.any(String) })
    expect(Date.parse(hand.answer.expires_at) - t.clock.now()).toBe(3_600_000)
    expect(await hand.call('fs.write', { path: 'a.txt', content: 'é' })).toMatchObject({ status: 'success' })
    const read = hand.envelope('fs.read', { path: 'a.txt' })
    expect(await client.invokeSeal(encodeSealEnvelope(read))).toMatchObject({
      protocol: 'seal/v1',
      status: 'success',
      result: { content: 'é' },
      payload: { result: { content: 'é' } },
    })
    await expect(client.invokeSeal(read)).rejects.toMatchObject({ status: 401, body: { error: { code: 1003 } } })
    const sessions = await client.listSealSessions()
    expect(sessions).toMatchObject([
      { session_id: hand.answer.session_id, workload_id: 'wl', security_context: 'default', session_status: 'Active' },
    ])
    const [session] = sessions
    expect(await client.revokeSealSession(session?.execution_id ?? '')).toMatchObject({
      status: 'revoked',
      session_status: 'Revoked',
    })
    expect(await client.listSealSessions()).toEqual([])
    await expect(hand.call('fs.read', { path: 'a.txt' })).rejects.toMatchObject({
      status: 401,
      body: { status: 'error', error: { code: 1006 } },
    })
    await expect(client.revokeSealSession(session?.execution_id ?? '')).rejects.toThrow(NotFoundError)
  })

  it('a workload attests by its address alone, under its contexts, until it is taken back', async () => {
    const { t, client, connect, baseUrl } = await open()
    const made = await client.registerSealWorkload({ workload_id: 'ci', allowed_contexts: ['default'] })
    const { gateway_url, ...shown } = made
    expect(await client.listSealWorkloads()).toEqual([shown])
    const workload = connect({ baseUrl: baseUrl + new URL(gateway_url).pathname })
    const hand = await attested(t, workload, { workload_id: 'ci' })
    expect(await hand.call('fs.list', { path: '.' })).toMatchObject({ status: 'success' })
    await expect(attested(t, workload, { security_context: 'aegis-system-operator' })).rejects.toMatchObject({
      status: 403,
      body: { error: { code: 3001 } },
    })
    await expect(attested(t, connect({ baseUrl }), { workload_id: 'ci' })).rejects.toMatchObject({
      status: 401,
      body: { error: { code: 3000 } },
    })
    expect(await client.revokeSealWorkload('ci')).toMatchObject({ status: expect.any(String) })
    expect(await client.listSealWorkloads()).toEqual([])
    await expect(hand.call('fs.list', { path: '.' })).rejects.toMatchObject({ body: { error: { code: 1006 } } })
    await expect(attested(t, workload, { workload_id: 'ci' })).rejects.toMatchObject({ status: 401 })
  })

  it('a context bounds what its sessions call, keeps for them what they began with, and is none once deleted', async () => {
    const { t, client } = await open()
    const capabilities = [{ tool_pattern: 'fs.*', path_allowlist: ['/workspace/shared'] }]
    const context = { name: 'shared-only', description: 'One folder.', capabilities, deny_list: ['fs.delete'] }
    expect(await client.saveSecurityContext(context)).toEqual({ saved: true, name: 'shared-only', version: 1 })
    expect(await client.getSecurityContext('shared-only')).toMatchObject({
      name: 'shared-only',
      description: 'One folder.',
      deny_list: ['fs.delete'],
      capabilities: [{ tool_pattern: 'fs.*', path_allowlist: ['/workspace/shared'] }],
      metadata: { version: 1 },
    })
    const names = async () => (await client.listSecurityContexts()).map(({ name }) => name)
    expect(await names()).toEqual(expect.arrayContaining(['default', 'shared-only']))
    const hand = await attested(t, client, { security_context: 'shared-only' })
    expect(await hand.call('fs.write', { path: '/workspace/shared/a', content: 'x' })).toMatchObject({
      status: 'success',
    })
    await expect(hand.call('fs.write', { path: '/workspace/a', content: 'x' })).rejects.toMatchObject({
      status: 403,
      body: { error: { code: 2002 } },
    })
    await expect(hand.call('fs.delete', { path: '/workspace/shared/a' })).rejects.toMatchObject({
      status: 403,
      body: { error: { code: 2001 } },
    })
    expect(await client.saveSecurityContext({ name: 'shared-only', capabilities: [] })).toMatchObject({ version: 2 })
    expect(await hand.call('fs.read', { path: '/workspace/shared/a' })).toMatchObject({ result: { content: 'x' } })
    const later = await attested(t, client, { security_context: 'shared-only' })
    await expect(later.call('fs.list', { path: '.' })).rejects.toMatchObject({ status: 403 })
    expect((await client.listSealTools('shared-only')).tools).toEqual([])
    expect(await client.deleteSecurityContext('shared-only')).toMatchObject({ status: 'deleted' })
    await expect(client.getSecurityContext('shared-only')).rejects.toThrow(NotFoundError)
    expect(await names()).not.toContain('shared-only')
    await expect(attested(t, client, { security_context: 'shared-only' })).rejects.toMatchObject({ status: 401 })
  })

  it('discovery tells what a context could allow, to anybody, and where to go', async () => {
    const { client, connect, baseUrl } = await open()
    const all = await client.listSealTools()
    expect(all).toMatchObject({
      protocol: 'seal/v1',
      attestation_endpoint: '/v1/seal/attest',
      invoke_endpoint: '/v1/seal/invoke',
      security_context: null,
    })
    const bounded = await connect({ baseUrl }).listSealTools('default')
    expect(bounded.security_context).toBe('default')
    const names = bounded.tools.map(({ name }) => name)
    expect(names).toContain('fs.read')
    expect(all.tools.map(({ name }) => name)).toEqual(expect.arrayContaining(names))
    expect(bounded.tools[0]?.inputSchema).toMatchObject({ type: 'object' })
  })
})
