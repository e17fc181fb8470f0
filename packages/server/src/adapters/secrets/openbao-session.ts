import { readText } from '@lictor/wire'
import type { Fetch } from '../../ports/fetch.ts'
import { SecretsUnavailable } from '../../ports/secrets.ts'

/** How this server proves itself to OpenBao or Vault. */
export type OpenBaoLogin =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'approle'; readonly roleId: string; readonly secretId: string }

export interface OpenBaoAccess {
  /** For example `https://bao.example.com:8200`. */
  readonly address: string
  /** Sent as `X-Vault-Namespace`; empty for none. */
  readonly namespace: string
  readonly login: OpenBaoLogin
  readonly fetch: Fetch
}

export interface OpenBaoAnswer {
  readonly status: number
  /** What the server says is wrong; empty also where a 404 only says that there is nothing. */
  readonly errors: readonly string[]
  readonly body: Readonly<Record<string, unknown>>
}

export interface OpenBaoSession {
  /** @param path from the root, encoded. @throws SecretsUnavailable when there is no answer, or none to a server that is let in */
  request(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<OpenBaoAnswer>
  /** What an answer that is no success means. Says status and reason, never what was sent. */
  refusal(answer: OpenBaoAnswer): SecretsUnavailable
}

const LIMIT_MS = 10_000
/** Bytes of an answer: a list of all paths of a tenant is the longest. */
const LARGEST_ANSWER = 16 * 1024 ** 2

/** Requests with a token. One that an AppRole login gave is replaced once it is refused, by one login for all who wait. */
export function createOpenBaoSession({ address, namespace, login, fetch }: OpenBaoAccess): OpenBaoSession {
  const base = address.replace(/\/+$/, '')
  let loggedIn: Promise<string> | null = null

  async function send(method: string, path: string, token: string | null, body?: object): Promise<OpenBaoAnswer> {
    let status: number
    let text: string
    try {
      const response = await fetch(`${base}/${path}`, {
        method,
        headers: {
          ...(token === null ? {} : { 'x-vault-token': token }),
          ...(namespace === '' ? {} : { 'x-vault-namespace': namespace }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          'x-vault-request': 'true',
        },
        signal: AbortSignal.timeout(LIMIT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      status = response.status
      text = await readText(response, LARGEST_ANSWER)
    } catch (cause) {
      throw new SecretsUnavailable(
        'OpenBao at LICTOR_OPENBAO_ADDRESS does not answer. Start it, or correct the address.',
        { cause },
      )
    }
    return answerOf(status, text)
  }

  async function logIn(roleId: string, secretId: string): Promise<string> {
    const answer = await send('POST', 'v1/auth/approle/login', null, { role_id: roleId, secret_id: secretId })
    const { auth } = answer.body as { auth?: { client_token?: unknown } | null }
    if (answer.status === 200 && typeof auth?.client_token === 'string') return auth.client_token
    if (answer.status === 400)
      throw new SecretsUnavailable(
        `OpenBao refuses the AppRole of LICTOR_OPENBAO_ROLE_ID: ${answer.errors.join('; ')}. Its secret id may be used up or expired: give a new one by LICTOR_OPENBAO_SECRET_ID.`,
      )
    throw refusal(answer)
  }

  /** A failed login is forgotten, so that the next request tries again. */
  function token(): Promise<string> {
    if (login.kind === 'token') return Promise.resolve(login.token)
    if (loggedIn) return loggedIn
    const attempt = logIn(login.roleId, login.secretId)
    loggedIn = attempt
    attempt.catch(() => {
      if (loggedIn === attempt) loggedIn = null
    })
    return attempt
  }

  function refusal({ status, errors }: OpenBaoAnswer): SecretsUnavailable {
    const said = errors.length === 0 ? '' : `: ${errors.join('; ').trim()}`
    switch (status) {
      case 403:
        return new SecretsUnavailable(
          `OpenBao refuses this server${said}. The token or AppRole of LICTOR_OPENBAO_… needs read, create, update, delete and list below its prefix.`,
        )
      case 404:
        return new SecretsUnavailable(`OpenBao has no KV engine there${said}. Correct LICTOR_OPENBAO_MOUNT.`)
      case 503:
        return new SecretsUnavailable(`OpenBao is sealed or standing by${said}. Unseal it.`)
      default:
        return new SecretsUnavailable(`OpenBao answered ${status}${said}.`)
    }
  }

  return {
    refusal,
    async request(method, path, body) {
      const used = await token()
      const answer = await send(method, path, used, body)
      if (answer.status !== 403 || login.kind === 'token') return answer
      // The login's token has run out, or was revoked: one more with a new one, which one of those who find out fetches.
      if ((await loggedIn?.catch(() => null)) === used) loggedIn = null
      return send(method, path, await token(), body)
    },
  }
}

function answerOf(status: number, text: string): OpenBaoAnswer {
  let body: Record<string, unknown> = {}
  try {
    const read = JSON.parse(text === '' ? '{}' : text) as unknown
    if (typeof read === 'object' && read !== null) body = read as Record<string, unknown>
  } catch {
    return { status, errors: ['the answer is no JSON; is the address that of OpenBao?'], body }
  }
  const { errors } = body
  return { status, errors: Array.isArray(errors) ? errors.map(String) : [], body }
}
