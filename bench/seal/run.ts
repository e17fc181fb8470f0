/**
 * What verifying an envelope takes beside the bare signature check of the same bytes, by turns in one run; and how many signed
 * calls of `fs.read` a server answers in a second.
 *
 *   node --conditions=@lictor/source bench/seal/run.ts [--calls 20000] [--seconds 5] [--json FILE]
 */
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  createCanonicalMessage,
  createSealEnvelope,
  Ed25519Key,
  encodeSealEnvelope,
  MemoryReplayStore,
  SEALClient,
  verifySealEnvelope,
  verifySecurityToken,
} from '@lictor/seal'
import { createServer, readConfig } from '@lictor/server'
import pino from 'pino'
import { type Figure, quantile, writeFigures } from '../figures.ts'

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '5' },
    json: { type: 'string' },
  },
})
const calls = Number(values.calls)
const TURNS = 20
const CONNECTIONS = 16
const WARM_UP = 2000
/** The server takes 200 calls of a session. */
const CALLS_PER_SESSION = 200
const MOST_MICROSECONDS = 150
const MOST_TIMES_THE_BARE_CHECK = 2

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const seconds = Math.floor(Date.now() / 1000)
const claims = {
  ...{ sub: 'a', exec_id: 'e', scp: 'default', wid: 'w', jti: 'j', tenant_id: 'acme' },
  ...{ iss: 'aegis-orchestrator', aud: 'aegis-agents', iat: seconds, exp: seconds + 3600 },
}
const head = `${encoded({ alg: 'RS256', typ: 'JWT' })}.${encoded(claims)}`
const token = `${head}.${sign('sha256', Buffer.from(head), privateKey).toString('base64url')}`

const key = Ed25519Key.generate()
const raw = key.getPublicKeyBytes()
const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url') }
const keyObject = createPublicKey({ key: jwk, format: 'jwk' })

/** Envelopes as clients send them, each with its bytes and what was signed of it. */
const envelopes = Array.from({ length: 500 }, (_, index) => {
  const params = { name: 'fs.read', arguments: { path: `/workspace/report-${index}.txt`, limit: index } }
  const envelope = createSealEnvelope(token, { jsonrpc: '2.0', id: `req-${index}`, method: 'tools/call', params }, key)
  return {
    body: Buffer.from(encodeSealEnvelope(envelope)),
    message: createCanonicalMessage(token, envelope.payload, Math.floor(Date.parse(String(envelope.timestamp)) / 1000)),
    signature: Buffer.from(envelope.signature, 'base64'),
  }
})
const now = () => seconds * 1000

const options = { algorithm: 'RS256', issuer: 'aegis-orchestrator', audience: 'aegis-agents', now } as const
const replayStore = new MemoryReplayStore()
let forgets = 0
const subjects: Readonly<Record<string, (envelope: (typeof envelopes)[number]) => unknown>> = {
  'bare crypto.verify of the same bytes': ({ message, signature }) => verify(null, message, keyObject, signature),
  'envelope verified, from its bytes': ({ body }) => verifySealEnvelope(body, raw, { now }),
  'envelope verified, remembered against replays': ({ body }) => {
    // Each is new to the store: its age is counted anew.
    const store = {
      seen: (signature: string, until: number, at: number) => replayStore.seen(`${signature}${++forgets}`, until, at),
    }
    return verifySealEnvelope(body, raw, { now, replayStore: store })
  },
  'token verified (RS256)': () => verifySecurityToken(token, { ...options, key: publicKey }),
}
const times: Record<string, number[]> = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]))
for (let turn = -1; turn < TURNS; turn++)
  for (const [name, work] of Object.entries(subjects))
    for (let index = 0; index < (turn < 0 ? WARM_UP : calls / TURNS); index++) {
      const envelope = envelopes[index % envelopes.length]!
      const start = process.hrtime.bigint()
      work(envelope)
      if (turn >= 0) times[name]?.push(Number(process.hrtime.bigint() - start) / 1000)
    }

const half = (name: string) => quantile(times[name] ?? [], 0.5)
const bare = half('bare crypto.verify of the same bytes')
const beside = { what: 'bare crypto.verify', value: bare }
const verified = half('envelope verified, from its bytes')
const figures: Figure[] = [
  { what: 'envelope verified, p50', value: verified, unit: 'µs', beside, goal: { atMost: MOST_MICROSECONDS } },
  {
    what: 'envelope verified, times the bare check, p50',
    value: verified / bare,
    unit: 'x',
    goal: { atMost: MOST_TIMES_THE_BARE_CHECK },
  },
  {
    what: 'envelope verified and remembered, p50',
    value: half('envelope verified, remembered against replays'),
    unit: 'µs',
    beside,
  },
  { what: 'token verified, RS256, p50', value: half('token verified (RS256)'), unit: 'µs' },
]

const folder = mkdtempSync(join(tmpdir(), 'bench-seal-'))
const server = await createServer(
  readConfig({
    LICTOR_DATA_DIR: folder,
    LICTOR_PORT: '0',
    LICTOR_ADMIN_EMAIL: 'admin@example.com',
    LICTOR_ADMIN_PASSWORD: 'correct horse battery',
  }),
  pino({ level: 'error' }),
  { consoleDir: null },
)
try {
  const url = await server.listen()
  const login = await fetch(`${url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'admin@example.com', password: 'correct horse battery' }),
  })
  const headers = {
    cookie: login.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; '),
    'x-requested-with': 'bench',
    'content-type': 'application/json',
  }
  /** A client for a workload of its own, because a session ends the one before of the same workload. */
  const clientOf = async (workload: string) => {
    const registered = await fetch(`${url}/v1/seal/workloads`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ workload_id: workload, allowed_contexts: ['default'] }),
    })
    const { gateway_url } = (await registered.json()) as { gateway_url: string }
    return new SEALClient(`${url}${new URL(gateway_url).pathname}`, workload, 'default')
  }
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, (_, index) => clientOf(`bench-${index}`)))
  for (const client of clients) {
    await client.attest()
    await client.callTool('fs.write', { path: 'report.txt', content: 'x'.repeat(2000) })
  }
  const took: number[] = []
  const until = Date.now() + Number(values.seconds) * 1000
  await Promise.all(
    clients.map(async (client) => {
      for (let call = 1; Date.now() < until; call++) {
        if (call % CALLS_PER_SESSION === 0) await client.attest()
        const start = process.hrtime.bigint()
        await client.callTool('fs.read', { path: 'report.txt' })
        took.push(Number(process.hrtime.bigint() - start) / 1e6)
      }
    }),
  )
  figures.push(
    {
      what: 'signed calls of fs.read, SQLite, client in the same process',
      value: took.length / Number(values.seconds),
      unit: '/s',
    },
    { what: `signed call of fs.read, ${CONNECTIONS} at once, p50`, value: quantile(took, 0.5), unit: 'ms' },
  )
} finally {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
}
for (const { what, value, unit } of figures) console.error(`${what.padEnd(60)} ${value.toFixed(2)} ${unit}`)
writeFigures(values.json, figures)
