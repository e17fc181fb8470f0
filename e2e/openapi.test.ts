import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type {} from '../packages/server/test/databases.global.ts'
import { createDatabase } from './support/databases.ts'
import { type Planted, plant } from './support/planted.ts'
import { type Exception, installSchemathesis, runSchemathesis } from './support/schemathesis.ts'
import { root, type ServerProcess, startServer } from './support/server.ts'

/** Requests that are drawn of each operation, beside the recorded one and every boundary of its schemas. */
const EXAMPLES = 2
const SEED = 1

const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'unsupported_method',
  'negative_data_rejection',
]

const excluded: readonly Exception[] = [
  {
    name: '^GET .*/(v1/stream|v1/stream/dashboard|executions/{id}/(stream|events|logs/stream)|v1/agents/{id}/(events|logs)|observability/events)$',
    reason: 'A stream that opens stays open.',
  },
  {
    name: '^PUT /api/v1/settings/ai$',
    reason: 'With a provider configured, questions to the assistant would leave for the Internet.',
  },
  {
    name: '^GET /api/v1/approvals/{approval_id}$',
    reason: 'It may wait for a minute, each time, for a decision that nobody makes.',
  },
  {
    name: ' /v1/billing/',
    reason: 'Without a payment provider each answers 501, which is right and counts as a fault of the server here.',
  },
  { name: '^POST /api/v1/auth/password-reset$', reason: 'Without a mail server it answers 501, as billing does.' },
  { name: 'auth/logout$', reason: 'It ends the session that the other calls are made with.' },
]
const lenient: readonly Exception[] = [
  {
    name: '^(PUT /api/v1/(approvals|notifications)|(POST|PUT) /api/v1/compositions|(POST|PATCH) /api/v1/assignment-rules|POST /api/v1/(approvals|sessions))',
    reason: 'Numbers and booleans of a body may be written as text, booleans as 0 and 1.',
  },
]

/** Every caller calls what it may, `nobody` everything; `phases` says how thoroughly. */
const callers = [
  {
    who: 'an administrator',
    headers: async ({ session }: Planted) => session,
    included: ' /(api|health|metrics)',
    phases: 'examples,coverage,fuzzing',
  },
  {
    who: 'an API key',
    headers: async ({ key }: Planted) => key,
    included: ' /api/v1/(approvals|bundles|events|sessions|stats)',
    phases: 'examples,coverage,fuzzing',
  },
  {
    who: 'a service account',
    headers: ({ token }: Planted) => token(),
    included: ' /(v1|realms|x)/',
    phases: 'examples,coverage,fuzzing',
  },
  {
    who: 'nobody',
    headers: async () => ({ 'x-requested-with': 'e2e' }),
    included: ' /',
    phases: 'examples,fuzzing',
  },
]

const postgres = inject('postgresUrl')
const databases = [
  { database: 'SQLite', url: async () => '' },
  ...(postgres === '' ? [] : [{ database: 'PostgreSQL', url: () => createDatabase(postgres) }]),
]

describe.each(databases)(
  'whatever is sent, the API answers as its document says, on $database',
  ({ database, url }) => {
    let command: string | null
    let server: ServerProcess
    let hooks: Server
    let planted: Planted

    beforeAll(async () => {
      command = installSchemathesis()
      if (!command && process.env.CI) throw new Error('schemathesis could not be installed, and CI runs its suite.')
      if (!command) return
      hooks = createServer((request, response) => {
        request.resume()
        response.end('ok')
      }).listen(0, '127.0.0.1')
      const databaseUrl = await url()
      server = await startServer({
        environment: {
          LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8',
          LICTOR_AI_PRICES_URL: 'none',
          LICTOR_MODEL_SCRIPT: join(root, 'examples/hello-agent/turns.yaml'),
          ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}),
        },
      })
      planted = await plant(server.url, `http://127.0.0.1:${(hooks.address() as AddressInfo).port}/hook`)
    }, 600_000)
    afterAll(async () => {
      await server?.stop()
      hooks?.close()
    })

    // Whom nothing lets in reaches no database: one is enough.
    const here = callers.filter(({ who }) => who !== 'nobody' || database === 'SQLite')
    for (const { who, headers, included, phases } of here)
      it(`to ${who}`, { timeout: 600_000 }, async ({ skip }) => {
        if (!command) return skip('Python or the package registry is missing')
        const problems = await runSchemathesis({
          command,
          url: server.url,
          headers: await headers(planted),
          ids: planted.ids,
          checks,
          included,
          excluded,
          lenient,
          phases,
          maxExamples: EXAMPLES,
          seed: SEED,
        })
        expect(problems).toBe('')
        expect(server.log()).not.toContain('request failed')
      })
  },
)
