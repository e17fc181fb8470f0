import { NotFoundError } from '@lictor/aegis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type AuthorizationServer, CLIENT, REDIRECT_URI, startAuthorizationServer } from '../authorization-server.ts'
import { call, scriptEnvironment } from '../runtime.ts'
import { driveGroup } from './driven.ts'

driveGroup('oauth', (open) => {
  let server: AuthorizationServer
  beforeEach(async () => {
    server = await startAuthorizationServer()
  })
  afterEach(() => server.close())

  async function setUp() {
    // In hexadecimal, because what an agent was given is masked in all that is told of it.
    const show = call('run_command', { command: 'printf %s "$TOKEN" | od -An -v -tx1' })
    const driven = await open({
      environment: {
        ...scriptEnvironment([show, { text: 'Done.' }]),
        LICTOR_SANDBOX: 'process',
        LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8',
      },
    })
    const { client } = driven
    const provider = await client.putOAuthProvider('local', {
      issuer: server.issuer,
      client_id: CLIENT.id,
      client_secret: CLIENT.secret,
      scopes: ['openid', 'offline_access', 'files'],
      redirect_uris: [REDIRECT_URI],
      parameters: { prompt: 'consent' },
    })
    /** Whether the provider takes the token that an agent is given for a credential. */
    const isTaken = async (credential: string) => {
      const agent = { name: 'user', language: 'javascript', version: '20', instruction: 'x', tools: ['run_command'] }
      const env = { TOKEN: `credential:${credential}` }
      const { id: agentId } = await client.deployAgent({ ...agent, env }, { force: true })
      const { id } = await client.startExecution(agentId, 'go')
      for await (const _ of client.streamExecution(id)) {
        // To its end.
      }
      const [step] = (await client.getExecution(id)).iterations?.[0]?.trajectory ?? []
      const { stdout } = JSON.parse(step?.result_json ?? '{}') as { stdout?: string }
      return server.takes(Buffer.from((stdout ?? '').replace(/\s/g, ''), 'hex').toString())
    }
    return { ...driven, provider, isTaken }
  }

  it('providers are set, listed without their secret, and removed', async () => {
    const { t, client, account, provider } = await setUp()
    expect(provider).toMatchObject({ name: 'local', client_id: CLIENT.id, client_secret: '***' })
    const { providers } = await client.listOAuthProviders()
    expect(providers).toEqual([provider])
    expect((await (await account({}, await t.otherTenant())).listOAuthProviders()).providers).toEqual([])
    expect(await client.deleteOAuthProvider('local')).toMatchObject({ status: 'deleted' })
    expect((await client.listOAuthProviders()).providers).toEqual([])
    await expect(client.oauthInitiate({ provider: 'local' })).rejects.toThrow(NotFoundError)
    await expect(client.deleteOAuthProvider('local')).rejects.toThrow(NotFoundError)
  })

  it('a person signs in, and an agent has a token that the provider takes', async () => {
    const { t, client, isTaken } = await setUp()
    const begun = await client.oauthInitiate({
      provider: 'local',
      redirect_uri: REDIRECT_URI,
      scopes: ['openid', 'files'],
    })
    expect(begun).toMatchObject({ authorization_url: begun.auth_url, state: begun.state_token })
    expect(Date.parse(begun.expires_at)).toBe(t.clock.now() + 600_000)
    expect(new URL(begun.auth_url).searchParams.get('scope')).toBe('openid files')
    const answer = await server.signIn(begun.auth_url)
    const parameters = { code: answer.get('code') ?? '', state: answer.get('state') ?? '' }
    const done = await client.oauthCallback(parameters)
    expect(done).toMatchObject({ stored: true, id: done.credential_id, status: 'active' })
    expect(await isTaken(done.credential_id)).toBe(true)
    await expect(client.oauthCallback(parameters)).rejects.toMatchObject({
      status: 400,
      code: 'OAuth state invalid or expired',
    })
    await expect(client.oauthInitiate({ provider: 'local', redirect_uri: `${REDIRECT_URI}/x` })).rejects.toMatchObject({
      status: 400,
      code: 'OAuth redirect_uri not in provider allowlist',
    })
  })

  it('a device is pending until the person says yes, and denied when they say no', async () => {
    const { t, client, isTaken } = await setUp()
    const begun = await client.deviceInitiate({ provider: 'local' })
    const poll = async ({ device_code } = begun) => {
      await t.clock.advance(6_000)
      return client.devicePoll({ device_code, provider: 'local' })
    }
    expect(await poll()).toMatchObject({ status: 'pending' })
    await server.decideDevice(begun.verification_uri, begun.user_code, true)
    const approved = await poll()
    expect(approved.status).toBe('approved')
    expect(await isTaken(approved.credential_id ?? '')).toBe(true)
    const refused = await client.deviceInitiate({ provider: 'local' })
    await server.decideDevice(refused.verification_uri, refused.user_code, false)
    expect(await poll(refused)).toMatchObject({ status: 'denied' })
    await expect(poll(refused)).rejects.toMatchObject({ status: 400 })
  })
})
