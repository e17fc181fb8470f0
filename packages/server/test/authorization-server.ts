import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'

export const CLIENT = { id: 'lictor', secret: 'client-secret-0123456789' } as const
export const REDIRECT_URI = 'https://console.example.com/oauth/done'

/** A real authorization server in this process: PKCE, device flow, refresh tokens that change with each use and are good for one. */
export interface AuthorizationServer {
  readonly issuer: string
  /** How often each endpoint was asked, by its path. */
  readonly asked: Readonly<Record<string, number>>
  /** Do this before the next request to a path is answered, or instead; answers true when it took the response over. */
  intercept(path: string, by: (request: IncomingMessage, response: ServerResponse) => boolean): void
  /** Sign in as a person would, from the address a browser is sent to. Returns the parameters of the redirect at the end. */
  signIn(authorizationUrl: string): Promise<URLSearchParams>
  /** Type a user code in and say yes, or no. */
  decideDevice(verificationUri: string, userCode: string, isAllowed: boolean): Promise<void>
  /** Whether an access token is one that this server takes. */
  takes(accessToken: string): Promise<boolean>
  close(): Promise<void>
}

export async function startAuthorizationServer(
  options: {
    readonly redirectUri?: string
    /** What it says of whoever signs in, beside who they are. */
    readonly claims?: () => Readonly<Record<string, unknown>>
  } = {},
): Promise<AuthorizationServer> {
  const { redirectUri = REDIRECT_URI, claims = () => ({}) } = options
  const asked: Record<string, number> = {}
  const interceptors = new Map<string, (request: IncomingMessage, response: ServerResponse) => boolean>()
  let handle: (request: IncomingMessage, response: ServerResponse) => unknown = () => {}
  const http: Server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? ''
    asked[path] = (asked[path] ?? 0) + 1
    const by = interceptors.get(path)
    interceptors.delete(path)
    if (by?.(request, response)) return
    handle(request, response)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    pkce: { required: () => true },
    scopes: ['openid', 'offline_access', 'files', 'email', 'profile'],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    ttl: { AccessToken: 3600, RefreshToken: 86_400, DeviceCode: 600, Grant: 86_400, Session: 86_400, Interaction: 600 },
    features: {
      devInteractions: { enabled: false },
      deviceFlow: { enabled: true },
      introspection: { enabled: true },
    },
    findAccount: async (_context, sub) => ({ accountId: sub, claims: async () => ({ sub, ...claims() }) }),
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    cookies: { keys: ['a-key-for-tests'] },
  })
  const callback = provider.callback()
  handle = async (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return callback(request, response)
    const { prompt, params, session, grantId } = await provider.interactionDetails(request, response)
    if (prompt.name === 'login') return provider.interactionFinished(request, response, { login: { accountId: 'ann' } })
    const grant = grantId
      ? await provider.Grant.find(grantId)
      : new provider.Grant({ accountId: session?.accountId ?? 'ann', clientId: String(params.client_id) })
    grant?.addOIDCScope(String(params.scope ?? 'openid offline_access files'))
    return provider.interactionFinished(
      request,
      response,
      { consent: { grantId: await grant?.save() } },
      { mergeWithLastSubmission: true },
    )
  }

  /** A browser: cookies, and redirects as long as they stay here. */
  function browser() {
    const cookies = new Map<string, string>()
    return async function open(
      address: string,
      form?: Record<string, string>,
    ): Promise<{ body: string; away: URL | null }> {
      let url = new URL(address, issuer)
      let body = form
      for (;;) {
        const response = await fetch(url, {
          method: body ? 'POST' : 'GET',
          redirect: 'manual',
          headers: {
            cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
            ...(body ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
          },
          ...(body ? { body: new URLSearchParams(body).toString() } : {}),
        })
        for (const cookie of response.headers.getSetCookie()) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
          if (value === '') cookies.delete(name)
          else cookies.set(name, value)
        }
        const location = response.headers.get('location')
        if (location === null) return { body: await response.text(), away: null }
        await response.body?.cancel()
        url = new URL(location, url)
        body = undefined
        if (url.origin !== issuer) return { body: '', away: url }
      }
    }
  }

  return {
    issuer,
    asked,
    intercept: (path, by) => interceptors.set(path, by),
    async signIn(authorizationUrl) {
      const { away, body } = await browser()(authorizationUrl)
      if (!away) throw new Error(`The sign-in led nowhere: ${body.slice(0, 500)}`)
      return away.searchParams
    },
    async decideDevice(verificationUri, userCode, isAllowed) {
      const open = browser()
      const xsrf = (body: string) => /name="xsrf" value="([^"]+)"/.exec(body)?.[1] ?? ''
      const asking = await open(verificationUri)
      const confirming = await open(verificationUri, { xsrf: xsrf(asking.body), user_code: userCode })
      await open(verificationUri, {
        xsrf: xsrf(confirming.body),
        user_code: userCode,
        ...(isAllowed ? { confirm: 'yes' } : { abort: 'yes' }),
      })
    },
    async takes(accessToken) {
      const response = await fetch(`${issuer}/token/introspection`, {
        method: 'POST',
        body: new URLSearchParams({ token: accessToken, client_id: CLIENT.id, client_secret: CLIENT.secret }),
      })
      return ((await response.json()) as { active: boolean }).active
    },
    close: () =>
      new Promise((resolve) => {
        http.closeAllConnections()
        http.close(() => resolve())
      }),
  }
}
