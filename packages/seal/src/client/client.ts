import { readText } from '@lictor/wire'
import { toHex } from '../bytes.ts'
import { encodeSealEnvelope } from '../envelope/create.ts'
import type { SealEnvelope } from '../envelope/parse.ts'
import { SEALError } from '../error.ts'

const ATTEST_MS = 10_000
const CALL_MS = 30_000
const LARGEST_ANSWER = 16 * 1024 ** 2

/** What an attestation brought. */
export interface AttestationResult {
  /** The JWT that stands in every envelope. */
  readonly security_token: string
  /** RFC 3339. */
  readonly expires_at: string
  readonly session_id?: string
}

/** A tool as the gateway lists it. */
export interface SealTool {
  readonly name: string
  readonly description?: string
  /** JSON Schema of the arguments. */
  readonly inputSchema?: Readonly<Record<string, unknown>>
  readonly [member: string]: unknown
}

export interface SEALClientOptions {
  /** Sent as `Authorization: Bearer …` when attesting; addresses that carry their own proof need none. */
  readonly bearer?: string
  /** Makes requests (`fetch` of the platform). */
  readonly fetch?: typeof globalThis.fetch
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** Milliseconds that an attestation may take (10,000), and a call (30,000). */
  readonly attestTimeoutMs?: number
  readonly callTimeoutMs?: number
  /** Talk plain `http:` to hosts other than this machine: whoever is between reads the token and the arguments. */
  readonly allowInsecureHttp?: boolean
}

interface Key {
  getPublicKeyBase64(): string
  erase(): void
}

/** What a platform signs with. */
export interface Signing<K extends Key> {
  generate(): K | Promise<K>
  seal(token: string, payload: unknown, key: K, now: () => number): SealEnvelope | Promise<SealEnvelope>
}

/** The client of a SEAL gateway; `SEALClient` of each entry binds the platform's signing to it. */
export class SealGatewayClient<K extends Key> {
  readonly #base: string
  readonly #workloadId: string
  readonly #securityScope: string
  readonly #options: SEALClientOptions
  readonly #signing: Signing<K>
  #session: { readonly key: K; readonly token: string } | null = null
  /** Counts what makes an attestation that is still on its way void. */
  #turn = 0

  constructor(
    gatewayUrl: string,
    workloadId: string,
    securityScope: string,
    options: SEALClientOptions,
    signing: Signing<K>,
  ) {
    this.#base = requireGateway(gatewayUrl, options.allowInsecureHttp ?? false)
    this.#workloadId = workloadId
    this.#securityScope = securityScope
    this.#options = options
    this.#signing = signing
  }

  /**
   * Make a new key pair, register its public key and keep the token that is given for it. A former key is erased.
   * @throws SEALError `attestation_failed`
   */
  async attest(): Promise<AttestationResult> {
    const turn = ++this.#turn
    const key = await this.#signing.generate()
    try {
      const result = await this.#attest(key)
      if (turn !== this.#turn) throw attestationFailed('this client was erased, or attested again, meanwhile')
      this.#session?.key.erase()
      this.#session = { key, token: result.security_token }
      return result
    } catch (error) {
      key.erase()
      throw error
    }
  }

  async #attest(key: K): Promise<AttestationResult> {
    const { status, body } = await this.#exchange('attestation_failed', '/v1/seal/attest', {
      timeoutMs: this.#options.attestTimeoutMs ?? ATTEST_MS,
      text: JSON.stringify({
        public_key: key.getPublicKeyBase64(),
        workload_id: this.#workloadId,
        security_context: this.#securityScope,
      }),
      bearer: this.#options.bearer,
    })
    const failure = { status, body, reason: 'attestation_failed' as const, prefix: 'Attestation failed' }
    if (!isGood(status) || body?.status === 'error') throw failed(failure)
    const { security_token, expires_at, session_id } = body ?? {}
    if (typeof security_token !== 'string' || security_token === '' || typeof expires_at !== 'string')
      throw attestationFailed('the answer has no security_token or no expires_at')
    return { security_token, expires_at, ...(typeof session_id === 'string' ? { session_id } : {}) }
  }

  /**
   * Call a tool under this session, signed.
   * @returns what the tool returned; `{}` for nothing
   * @throws SEALError `not_attested`; `gateway_rejected` or `gateway_error` with the gateway's code; `tool_error` when the tool ran
   * and failed
   */
  async callTool(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const session = this.#requireSession()
    const id = `req-${toHex(crypto.getRandomValues(new Uint8Array(8)))}`
    const payload = { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } }
    const now = this.#options.now ?? Date.now
    const envelope = await this.#signing.seal(session.token, payload, session.key, now)
    const { status, body } = await this.#exchange('gateway_rejected', '/v1/seal/invoke', {
      timeoutMs: this.#options.callTimeoutMs ?? CALL_MS,
      text: encodeSealEnvelope(envelope),
    })
    if (!isGood(status)) throw failed({ status, body, reason: 'gateway_rejected', prefix: 'SEAL Gateway Rejected' })
    if (body === null)
      throw new SEALError('gateway_error', 'SEAL Gateway Error: the answer is no JSON object', { httpStatus: status })
    if (body.status === 'error') throw failed({ status, body, reason: 'gateway_error', prefix: 'SEAL Gateway Error' })
    const answered = isRecord(body.payload) ? body.payload : {}
    if (answered.error !== undefined && answered.error !== null)
      throw failed({ status, body: { error: answered.error }, reason: 'tool_error', prefix: 'MCP Tool Error' })
    return answered.result ?? {}
  }

  /** The tools that this client's security context could allow. @throws SEALError `gateway_rejected` */
  async listTools(): Promise<readonly SealTool[]> {
    const { status, body } = await this.#exchange('gateway_rejected', '/v1/seal/tools', {
      timeoutMs: this.#options.callTimeoutMs ?? CALL_MS,
      bearer: this.#options.bearer,
      securityContext: this.#securityScope,
    })
    const { tools } = body ?? {}
    if (!isGood(status) || !Array.isArray(tools))
      throw failed({ status, body, reason: 'gateway_rejected', prefix: 'SEAL Gateway Rejected' })
    return tools.filter((tool): tool is SealTool => isRecord(tool) && typeof tool.name === 'string')
  }

  /** Overwrite the key and forget the token. Calls need a new `attest()` first. May be called again. */
  erase(): void {
    this.#turn++
    this.#session?.key.erase()
    this.#session = null
  }

  /** The same as `erase`. */
  dispose(): void {
    this.erase()
  }

  [Symbol.dispose](): void {
    this.erase()
  }

  #requireSession() {
    if (this.#session) return this.#session
    throw new SEALError('not_attested', 'Must call attest() first: there is no key and no token.')
  }

  async #exchange(
    reason: 'attestation_failed' | 'gateway_rejected',
    path: string,
    request: { timeoutMs: number; text?: string; bearer?: string | undefined; securityContext?: string },
  ): Promise<{ status: number; body: Record<string, unknown> | null }> {
    const { timeoutMs, text, bearer, securityContext } = request
    const query = securityContext === undefined ? '' : `?security_context=${encodeURIComponent(securityContext)}`
    const call = this.#options.fetch ?? globalThis.fetch
    try {
      const response = await call(`${this.#base}${path}${query}`, {
        method: text === undefined ? 'GET' : 'POST',
        headers: {
          accept: 'application/json',
          ...(text === undefined ? {} : { 'content-type': 'application/json' }),
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        },
        ...(text === undefined ? {} : { body: text }),
        // An envelope is for this gateway alone: it is not sent on to where an answer points.
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      })
      return { status: response.status, body: recordIn(await readText(response, LARGEST_ANSWER)) }
    } catch (error) {
      const isLate = error instanceof Error && error.name === 'TimeoutError'
      const why = isLate ? `no answer in ${timeoutMs} ms` : error instanceof Error ? error.message : String(error)
      const prefix = reason === 'attestation_failed' ? 'Attestation failed' : 'SEAL Gateway Rejected'
      throw new SEALError(reason, `${prefix}: ${why}`, { cause: error })
    }
  }
}

function requireGateway(address: string, allowsInsecureHttp: boolean): string {
  const url = URL.canParse(address) ? new URL(address) : null
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new TypeError('The gateway needs an http:// or https:// URL.')
  if (url.search !== '' || url.hash !== '') throw new TypeError('The URL of a gateway has no query and no fragment.')
  const isHere = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|.*\.localhost)$/.test(url.hostname)
  if (url.protocol === 'http:' && !isHere && !allowsInsecureHttp)
    throw new TypeError(
      `The gateway at ${url.host} is addressed by plain http:, where others read the token and the arguments. Use https:, or set allowInsecureHttp.`,
    )
  return address.replace(/\/+$/, '')
}

const isGood = (status: number): boolean => status >= 200 && status < 300
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function recordIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : null
  } catch {
    return null
  }
}

const attestationFailed = (why: string) => new SEALError('attestation_failed', `Attestation failed: ${why}.`)

/** What a gateway said, wherever it said it. */
function failed(failure: {
  status: number
  body: Readonly<Record<string, unknown>> | null
  reason: 'attestation_failed' | 'gateway_rejected' | 'gateway_error' | 'tool_error'
  prefix: string
}): SEALError {
  const { status, body, reason, prefix } = failure
  const error = isRecord(body?.error) ? body.error : {}
  const said = [error.message, body?.message, body?.error].find((one) => typeof one === 'string' && one !== '')
  const redirected = status === 0 || (status >= 300 && status < 400)
  const message = said ?? (redirected ? `HTTP ${status}: redirects are not followed` : `HTTP ${status}`)
  const code = [error.code, body?.error_code].find((one) => typeof one === 'number')
  return new SEALError(reason, `${prefix}: ${message}`, {
    code: typeof code === 'number' ? code : null,
    httpStatus: status,
  })
}
