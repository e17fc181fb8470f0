import {
  AuthenticationError,
  BadRequestError,
  ConflictError,
  NotFoundError,
  PermissionDeniedError,
} from '@lictor/aegis'
import { expect, it } from 'vitest'
import { selfSignedRsa } from '../self-signed.ts'
import { driveGroup } from './driven.ts'

const PASSWORD = 'a long enough password'
const tokenIn = (link: string) => link.split('#')[1] ?? ''

driveGroup('tenants', (open) => {
  it('a tenant is made, given an owner, suspended, resumed and deleted, and what it holds follows', async () => {
    const { t, connect, account } = await open()
    const client = await account({ role: 'aegis:admin' })
    const made = await client.createTenant('acme', 'Acme')
    expect(made).toMatchObject({
      slug: 'acme',
      display_name: 'Acme',
      status: 'active',
      tier: 'enterprise',
      keycloak_realm: 'tenant-acme',
      openbao_namespace: 'tenant-acme/',
      quotas: { max_concurrent_executions: 50, max_agents: 500, max_storage_gb: 100 },
      deleted_at: null,
    })
    await expect(client.createTenant('acme', 'Again')).rejects.toThrow(ConflictError)
    await expect(client.createTenant('Acme!', 'Again')).rejects.toThrow(BadRequestError)
    expect(await client.setTenantQuotas('acme', { max_agents: 3 })).toMatchObject({
      quotas: { max_agents: 3, max_concurrent_executions: 50 },
    })
    const { link } = await client.inviteToTenant('acme', { email: 'dora@example.com' })
    const accepted = await t.request({
      method: 'POST',
      url: '/api/v1/auth/invitation/accept',
      headers: { 'x-requested-with': 'test' },
      payload: { token: tokenIn(link), password: PASSWORD },
    })
    const headers = { cookie: String(accepted.headers['set-cookie']).split(';')[0] ?? '', 'x-requested-with': 'test' }
    const key = await t.request({ method: 'POST', url: '/v1/api-keys', headers, payload: { name: 'mine' } })
    const dora = connect({ bearerToken: key.json<{ key_value: string }>().key_value })
    expect((await dora.listAgents()).agents).toEqual([])
    expect(await dora.getSubscription()).toMatchObject({
      tier: 'enterprise',
      quota_usage: { agents: { used: 0, limit: 3 } },
      members_used: 1,
      features: expect.arrayContaining(['agents', 'workflows']),
    })
    await expect(dora.listTenants()).rejects.toThrow(PermissionDeniedError)
    expect((await client.listTenants()).tenants.map(({ slug }) => slug).toSorted()).toEqual(['acme', 'default'])

    expect(await client.suspendTenant('acme')).toEqual({ status: 'suspended', slug: 'acme' })
    await expect(dora.listAgents()).rejects.toMatchObject({ status: 403, body: { error: 'tenant_suspended' } })
    expect(await client.getTenant('acme')).toMatchObject({ status: 'suspended' })
    expect(await client.resumeTenant('acme')).toEqual({ status: 'active', slug: 'acme' })
    expect((await dora.listAgents()).agents).toEqual([])
    expect(await client.deleteTenant('acme')).toEqual({ status: 'deleted', slug: 'acme' })
    await expect(dora.listAgents()).rejects.toThrow(AuthenticationError)
    await expect(client.getTenant('acme')).rejects.toThrow(NotFoundError)
    await expect(client.suspendTenant('acme')).rejects.toThrow(NotFoundError)
  })

  it('members are invited, accept as who they are, change role and go', async () => {
    const { t, connect, account } = await open()
    const client = await account({ role: 'aegis:admin' })
    await client.createTenant('acme', 'Acme')
    const { link } = await client.inviteToTenant('acme', { email: 'dora@example.com' })
    const accepted = await t.request({
      method: 'POST',
      url: '/api/v1/auth/invitation/accept',
      headers: { 'x-requested-with': 'test' },
      payload: { token: tokenIn(link), password: PASSWORD },
    })
    const headers = { cookie: String(accepted.headers['set-cookie']).split(';')[0] ?? '', 'x-requested-with': 'test' }
    const key = await t.request({ method: 'POST', url: '/v1/api-keys', headers, payload: { name: 'mine' } })
    const dora = connect({ bearerToken: key.json<{ key_value: string }>().key_value })

    const invited = await client.inviteMember({ email: 'dora@example.com', role: 'member' })
    expect(invited).toMatchObject({ email: 'dora@example.com', role: 'member', status: 'pending' })
    const token = invited.invitation?.token ?? ''
    await expect(client.acceptInvitation(token)).rejects.toThrow(BadRequestError)
    expect(await dora.acceptInvitation(token)).toMatchObject({ status: 'accepted', role: 'member' })
    await expect(dora.acceptInvitation(token)).rejects.toMatchObject({
      status: 409,
      body: { error: 'invitation_not_pending' },
    })
    const pending = await client.inviteMember({ email: 'erin@example.com' })
    const { members } = await client.listMembers()
    expect(members.map(({ email, role, status }) => [email, role, status]).toSorted()).toEqual([
      ['admin@example.com', 'owner', 'active'],
      ['dora@example.com', 'member', 'active'],
      ['erin@example.com', 'member', 'invited'],
    ])
    expect((await client.listMembers(1)).members).toHaveLength(1)
    expect(JSON.stringify(members)).not.toContain(pending.invitation?.token)
    const user_id = members.find(({ email }) => email === 'dora@example.com')?.id ?? ''
    expect(await client.updateRole({ user_id, role: 'viewer' })).toMatchObject({ role: 'viewer', updated: true })
    await expect(client.updateRole({ user_id, role: 'king' })).rejects.toMatchObject({
      status: 400,
      body: { error: 'invalid_role' },
    })
    // A program looks after members as an administrator does: owners are out of its reach.
    await expect(client.updateRole({ user_id, role: 'owner' })).rejects.toThrow(PermissionDeniedError)
    expect(await client.removeMember(user_id)).toMatchObject({ status: 'removed', user_id })
    await expect(client.removeMember(user_id)).rejects.toThrow(NotFoundError)
    expect((await dora.listAgents()).agents).toEqual([])
  })

  it('an owner sets the SAML provider of the tenant, and so does who looks after the installation', async () => {
    const { t, connect, account } = await open()
    const client = await account({ role: 'aegis:admin' })
    expect(await client.getSamlConfig()).toMatchObject({
      entity_id: '',
      sso_url: '',
      certificate: null,
      configured: false,
      saml: null,
      acs_url: expect.stringMatching(/\/api\/v1\/auth\/saml\/default\/acs$/),
    })
    const { cert: certificate } = selfSignedRsa('idp.example.com')
    const wanted = { entity_id: 'https://idp.example.com', sso_url: 'https://idp.example.com/sso', certificate }
    expect(await client.setSamlConfig(wanted)).toMatchObject({ ...wanted, configured: true, status: 'configured' })
    expect(await client.getSamlConfig()).toMatchObject({ ...wanted, configured: true, saml: wanted })
    const refused = client.setSamlConfig({ ...wanted, sso_url: '' })
    await expect(refused).rejects.toMatchObject({ status: 400, body: { error: 'invalid_body' } })
    const bad = client.setSamlConfig({ ...wanted, certificate: 'none' })
    await expect(bad).rejects.toMatchObject({ status: 422, body: { problems: [{ loc: ['body', 'certificate'] }] } })
    // Who names a provider may become anybody of the tenant: an administrator's key does not.
    const keyOf = async (role: 'admin' | 'owner') => {
      const made = {
        method: 'POST',
        url: '/v1/api-keys',
        headers: await t.member(role),
        payload: { name: role },
      } as const
      return connect({ bearerToken: (await t.request(made)).json<{ key_value: string }>().key_value })
    }
    await expect((await keyOf('admin')).setSamlConfig(wanted)).rejects.toThrow(PermissionDeniedError)
    await expect((await account({ role: 'aegis:operator' })).getSamlConfig()).rejects.toThrow(PermissionDeniedError)
    expect(await (await keyOf('owner')).setSamlConfig(wanted)).toMatchObject({ configured: true })
  })
})
