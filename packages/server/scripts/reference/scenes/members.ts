import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TOTP } from 'otpauth'
import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** Of nobody: its key was thrown away. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIICzTCCAbWgAwIBAgIBATANBgkqhkiG9w0BAQsFADAaMRgwFgYDVQQDDA9pZHAu
ZXhhbXBsZS5jb20wHhcNMjAwMTAxMDAwMDAwWhcNNDkxMjMxMjM1OTU5WjAaMRgw
FgYDVQQDDA9pZHAuZXhhbXBsZS5jb20wggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAw
ggEKAoIBAQDErgqmT8lIJAnk1OfLZn/PspN7gJIqQu1c5YHA+Lm6NUruKo/LNU+7
micc6Hi1nrIO0m9EYrrhdf5oIq3e1ifY1e8fLHjKUqJO3+l730T5oxfTQh2VoGeb
k6/m9jYQzoO7hg5SywfSfYZfeNNQwir/ZbOH3cyNYFA5Vucx20XerIx/nG5LQABH
YZGsj3niFUK7ArkIW+piHmHXZjFvLY7zOZxmxSe6sFXCeKqa/6zI9e+eh0kl0BR7
O+DgMfAmulrVtmKEKKqHC3VJKry0HKp+Ya23p2HmdrZQ5o4x2FxxKw30tEHgeO6+
jG6e0smUMpj+B7hIUSihGBkeupKUZuzTAgMBAAGjHjAcMBoGA1UdEQQTMBGCD2lk
cC5leGFtcGxlLmNvbTANBgkqhkiG9w0BAQsFAAOCAQEAJbuuVCIr5vCX7fYnF3qU
4EcU1IoE7PwPiJWu+OdDIo3xw+99vKDFarcuIg3GfamfD4OTDBHmad1712jRIy/U
Aub3YFx6wb97mrpIuUXoD8ViCArnEjinPvv3HV8AkKQ1PhJL7p3lluqH4tWbvANV
gJqcdB+sH4Nfx8q/6AQWBDHL4Bpsxy2Hv/k6Sz/cA+mjBzkUKbaUq136OPVPNL3c
ahlnJ8CgIvTK4TUNe1GPOb6A5DODGuS0z0E7v0eW2Ea1T3K/r0B3y96qTIGv5j0r
PAgUs9F0DMQrqIn8XthwINC8wTZJ5bOYzXaJwDC38mHtkCGzt9WWT1SaYkArIFaU
eA==
-----END CERTIFICATE-----
`

/** Members, invitations, sessions, second factors and tenants. */
export async function recordMembers({ call, succeed, as, credentials, clock }: Stage & People) {
  // Sessions of the scenes before have run out.
  const login = await call('POST /api/v1/auth/login', { body: credentials })
  const person = { cookie: String(login.headers['set-cookie']).split(';')[0] ?? '', 'x-requested-with': 'reference' }
  const ask = { 'x-requested-with': 'reference' }
  const tokenIn = (link: string) => link.split('#')[1] ?? ''
  type Sent = { id: string; link: string }
  const bob = await succeed<Sent>('POST /api/v1/invitations', {
    ...as(person),
    body: { email: 'bob@example.com', role: 'member' },
  })
  await succeed('GET /api/v1/invitations', as(person))
  await succeed('POST /api/v1/auth/invitation', { headers: ask, body: { token: tokenIn(bob.link) } })
  const accepted = await call('POST /api/v1/auth/invitation/accept', {
    headers: ask,
    body: { token: tokenIn(bob.link), password: 'a long enough password' },
  })
  const bobs = { cookie: String(accepted.headers['set-cookie']).split(';')[0] ?? '', ...ask }
  await call('POST /api/v1/auth/invitation/accept', {
    headers: ask,
    body: { token: tokenIn(bob.link), password: 'a long enough password' },
  })
  const mallory = await succeed<Sent>('POST /api/v1/invitations', {
    ...as(person),
    body: { email: 'carol@example.com', role: 'viewer' },
  })
  await succeed('DELETE /api/v1/invitations/:id', { ...as(person), path: { id: mallory.id } })
  const members = await succeed<{ user_id: string; email: string }[]>('GET /api/v1/members', as(person))
  const { user_id } = members.find(({ email }) => email === 'bob@example.com') ?? { user_id: '' }
  await succeed('PUT /api/v1/members/:user_id', { ...as(person), path: { user_id }, body: { role: 'admin' } })
  const own = members.find(({ email }) => email === 'admin@example.com')?.user_id ?? ''
  await call('PUT /api/v1/members/:user_id', { ...as(person), path: { user_id: own }, body: { role: 'member' } })

  const { secret } = await succeed<{ secret: string }>('POST /api/v1/auth/second-factor', as(bobs))
  const code = () => new TOTP({ secret }).generate({ timestamp: clock.now() })
  await succeed('POST /api/v1/auth/second-factor/confirm', { ...as(bobs), body: { code: code() } })
  await succeed('GET /api/v1/auth/second-factor', as(bobs))
  await call('POST /api/v1/auth/login', {
    body: { email: 'bob@example.com', password: 'a long enough password' },
  })
  clock.set(clock.now() + 30_000)
  await succeed('POST /api/v1/auth/second-factor/remove', { ...as(bobs), body: { code: code() } })
  await succeed('DELETE /api/v1/members/:user_id/second-factor', { ...as(person), path: { user_id } })
  await succeed('PUT /api/v1/auth/password', {
    ...as(bobs),
    body: { present_password: 'a long enough password', password: 'another long password' },
  })
  await succeed('GET /api/v1/auth/sessions', as(bobs))
  await call('DELETE /api/v1/auth/sessions/:id', { ...as(bobs), path: { id: 'f'.repeat(32) } })
  const second = await call('POST /api/v1/auth/login', {
    body: { email: 'bob@example.com', password: 'another long password' },
  })
  const elsewhere = { cookie: String(second.headers['set-cookie']).split(';')[0] ?? '', ...ask }
  const sessions = await succeed<{ id: string; current: boolean }[]>('GET /api/v1/auth/sessions', as(elsewhere))
  await succeed('DELETE /api/v1/auth/sessions/:id', {
    ...as(elsewhere),
    path: { id: sessions.find(({ current }) => !current)?.id ?? '' },
  })
  await succeed('DELETE /api/v1/auth/sessions', as(elsewhere))
  await call('POST /api/v1/auth/password-reset', { headers: ask, body: { email: 'bob@example.com' } })
  const reset = await succeed<{ link: string }>('POST /api/v1/members/:user_id/password-reset', {
    ...as(person),
    path: { user_id },
  })
  const renewed = { headers: ask, body: { token: tokenIn(reset.link), password: 'a third long password' } }
  await succeed('POST /api/v1/auth/password-reset/complete', renewed)
  await call('POST /api/v1/auth/password-reset/complete', renewed)

  await succeed('POST /v1/admin/tenants', {
    ...as(person),
    body: { slug: 'acme', display_name: 'Acme', tier: 'enterprise' },
  })
  await call('POST /v1/admin/tenants', { ...as(person), body: { slug: 'acme', display_name: 'Acme' } })
  await call('POST /v1/admin/tenants', { ...as(person), body: { slug: 'Acme Inc.', display_name: 'Acme' } })
  const acme = { path: { slug: 'acme' } }
  await succeed('GET /v1/admin/tenants', as(person))
  await succeed('GET /v1/admin/tenants/:slug', { ...as(person), ...acme })
  await succeed('PUT /v1/admin/tenants/:slug/quotas', { ...as(person), ...acme, body: { max_agents: 10 } })
  const owner = await succeed<Sent>('POST /v1/admin/tenants/:slug/invitations', {
    ...as(person),
    ...acme,
    body: { email: 'admin@example.com' },
  })
  await succeed('POST /v1/colony/invitations/:token/accept', { ...as(person), path: { token: tokenIn(owner.link) } })
  const tenants = await succeed<{ tenant_id: string; slug: string; current: boolean }[]>(
    'GET /api/v1/auth/tenants',
    as(person),
  )
  const home = tenants.find(({ current }) => current)?.tenant_id ?? ''
  const there = tenants.find(({ slug }) => slug === 'acme')?.tenant_id ?? ''
  await succeed('PUT /api/v1/auth/tenant', { ...as(person), body: { tenant_id: there } })
  await succeed('PUT /api/v1/auth/tenant', { ...as(person), body: { tenant_id: home } })
  await succeed('POST /v1/admin/tenants/:slug/suspend', { ...as(person), ...acme })
  await call('POST /v1/admin/tenants/:slug/suspend', { ...as(person), path: { slug: 'default' } })
  await succeed('POST /v1/admin/tenants/:slug/resume', { ...as(person), ...acme })
  await call('DELETE /api/v1/tenant', { ...as(person), body: { slug: 'default' } })
  await succeed('DELETE /v1/admin/tenants/:slug', { ...as(person), ...acme })
  await succeed('POST /v1/admin/tenants', { ...as(person), body: { slug: 'globex', display_name: 'Globex' } })
  const globex = await succeed<Sent>('POST /v1/admin/tenants/:slug/invitations', {
    ...as(person),
    path: { slug: 'globex' },
    body: { email: 'dora@example.com' },
  })
  const dora = await call('POST /api/v1/auth/invitation/accept', {
    headers: ask,
    body: { token: tokenIn(globex.link), password: 'a long enough password' },
  })
  const doras = { cookie: String(dora.headers['set-cookie']).split(';')[0] ?? '', ...ask }
  await succeed('DELETE /api/v1/tenant', { ...as(doras), body: { slug: 'globex' } })

  const invited = await succeed<{ id: string }>('POST /v1/colony/members', {
    ...as(person),
    body: { email: 'erin@example.com', role: 'member' },
  })
  await succeed('POST /v1/colony/invitations', { ...as(person), body: { invitee_email: 'frank@example.com' } })
  await succeed('GET /v1/colony/members', as(person))
  await succeed('GET /v1/colony/invitations', as(person))
  await succeed('DELETE /v1/colony/invitations/:id', { ...as(person), path: { id: invited.id } })
  await succeed('PUT /v1/colony/roles', { ...as(person), body: { user_id, role: 'member' } })
  await succeed('PATCH /v1/colony/members/:user_id', { ...as(person), path: { user_id }, body: { role: 'viewer' } })
  await call('PATCH /v1/colony/members/:user_id', { ...as(person), path: { user_id }, body: { role: 'king' } })
  await succeed('DELETE /v1/colony/members/:user_id', { ...as(person), path: { user_id } })
  await succeed('GET /v1/colony/subscription', as(person))
  const { team_id } = await succeed<{ team_id: string }>('POST /v1/colony/teams', {
    ...as(person),
    body: { display_name: 'Research', tier: 'business' },
  })
  await succeed('GET /v1/colony/teams', as(person))
  await succeed('DELETE /v1/colony/teams/:team_id', { ...as(person), path: { team_id } })
  await call('DELETE /v1/colony/teams/:team_id', { ...as(person), path: { team_id } })
  const leaver = await succeed<Sent>('POST /api/v1/invitations', { ...as(person), body: { email: 'gil@example.com' } })
  const gil = await call('POST /api/v1/auth/invitation/accept', {
    headers: ask,
    body: { token: tokenIn(leaver.link), password: 'a long enough password' },
  })
  const gils = { cookie: String(gil.headers['set-cookie']).split(';')[0] ?? '', ...ask }
  await succeed('POST /api/v1/auth/tenant/leave', as(gils))
  const last = await succeed<Sent>('POST /api/v1/invitations', { ...as(person), body: { email: 'hal@example.com' } })
  await call('POST /api/v1/auth/invitation/accept', {
    headers: ask,
    body: { token: tokenIn(last.link), password: 'a long enough password' },
  })
  const now = await succeed<{ user_id: string; email: string }[]>('GET /api/v1/members', as(person))
  const hal = now.find(({ email }) => email === 'hal@example.com')?.user_id ?? ''
  await succeed('DELETE /api/v1/members/:user_id', { ...as(person), path: { user_id: hal } })
  await succeed('GET /api/v1/administration/acts', { ...as(person), query: { limit: '3' } })

  await succeed('PUT /api/v1/sso/oidc', {
    ...as(person),
    body: {
      issuer: 'https://login.example.com',
      client_id: 'lictor',
      client_secret: 'a-secret-of-the-provider',
      label: 'Example',
      new_members: 'viewer',
    },
  })
  await succeed('GET /api/v1/sso/oidc', as(person))
  await succeed('GET /api/v1/auth/sso', { query: { tenant: 'default' } })
  await succeed('GET /api/v1/auth/oidc/start', { query: { tenant: 'default', next: '/approvals' } })
  await succeed('GET /api/v1/auth/oidc/callback', { query: { code: 'of-the-provider', state: 'of-this-server' } })
  await recordDeviceSignIn({ call, succeed, as, person })
  await succeed('DELETE /api/v1/sso/oidc', as(person))

  const saml = {
    entity_id: 'https://idp.example.com/metadata',
    sso_url: 'https://idp.example.com/sso',
    certificate: CERTIFICATE,
  }
  await succeed('PUT /api/v1/sso/saml', { ...as(person), body: { ...saml, label: 'Example', new_members: 'viewer' } })
  await succeed('GET /api/v1/sso/saml', as(person))
  await succeed('PUT /v1/colony/saml', { ...as(person), body: saml })
  await succeed('GET /v1/colony/saml', as(person))
  await succeed('GET /api/v1/auth/saml/start', { query: { tenant: 'default', next: '/approvals' } })
  await succeed('GET /api/v1/auth/saml/:tenant/metadata', { path: { tenant: 'default' } })
  await succeed('POST /api/v1/auth/saml/:tenant/acs', {
    path: { tenant: 'default' },
    body: 'SAMLResponse=of-the-provider',
  })
  await succeed('GET /api/v1/auth/saml/complete', { query: { ticket: 'of-this-server' } })
  await succeed('DELETE /api/v1/sso/saml', as(person))
}

/** With a provider that answers on this machine. */
async function recordDeviceSignIn(
  stage: Pick<Stage & People, 'call' | 'succeed' | 'as'> & { person: Readonly<Record<string, string>> },
) {
  const { call, succeed, as, person } = stage
  let issuer = ''
  const provider = createServer((request, response) => {
    const isToken = request.url === '/token'
    const answers: Record<string, object> = {
      '/.well-known/openid-configuration': {
        issuer,
        token_endpoint: `${issuer}/token`,
        device_authorization_endpoint: `${issuer}/device`,
      },
      '/device': {
        device_code: 'd',
        user_code: 'BDWP-HQPK',
        verification_uri: 'https://login.example.com/device',
        verification_uri_complete: 'https://login.example.com/device?user_code=BDWP-HQPK',
        expires_in: 600,
        interval: 5,
      },
      '/token': { error: 'authorization_pending' },
    }
    response.writeHead(isToken ? 400 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answers[request.url ?? ''] ?? {}))
  })
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
  await call('PUT /api/v1/sso/oidc', { ...as(person), body: { issuer, client_id: 'lictor', client_secret: 'secret' } })
  const { device_code } = await succeed<{ device_code: string }>('POST /api/v1/auth/oidc/device', {
    headers: { 'x-requested-with': 'reference' },
    body: { tenant: 'default' },
  })
  await succeed('POST /api/v1/auth/oidc/device/poll', {
    headers: { 'x-requested-with': 'reference' },
    body: { device_code },
  })
  await new Promise((resolve) => provider.close(resolve))
}
