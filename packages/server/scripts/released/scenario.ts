/** One of everything, made through the API of a real server; and the questions whose answers tell whether it is all still there. */
import type { TestServer } from '../../test/harness.ts'
import { libraryOf } from '../../test/library.ts'
import { allEvents, deployAgent, serviceHeaders, startExecution } from '../../test/runtime.ts'

type Headers = Record<string, string>
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** What whoever reads the data later needs in order to go on with it. */
export interface Left {
  /** An API key of production. */
  readonly agentKey: string
  /** An event that was stored. */
  readonly event: object
  /** The approval that nobody has decided. */
  readonly pendingApproval: string
  /** Answers, by path, as the administrator gets them. */
  readonly answers: Readonly<Record<string, unknown>>
}

const DAY_MS = 86_400_000

/** `model`: address of a server that speaks a model's wire. */
export async function makeOneOfEverything(t: TestServer, address: string, model: string): Promise<Left> {
  const headers = await t.admin()
  const call = async (method: Method, url: string, payload?: object, as: Headers = headers) => {
    const answer = await t.request({ method, url, headers: as, ...(payload ? { payload } : {}) })
    if (answer.statusCode >= 300) throw new Error(`${method} ${url}: ${answer.statusCode} ${answer.body}`)
    return answer
  }
  const api = async <T>(method: Method, path: string, payload?: object, as?: Headers): Promise<T> =>
    (await call(method, `/api/v1${path}`, payload, as)).json<T>()

  await api('PUT', '/settings/ai', { provider: 'anthropic', api_key: 'sample' })
  const said = await call('POST', '/api/v1/contracts/assist', { messages: [{ role: 'user', content: 'Hello' }] })
  if (said.body.includes('"error"')) throw new Error(said.body)

  const library = libraryOf(t)
  for (const made of [
    await library.contract('no-secrets', undefined, { description: 'Secrets stay where they are', tags: ['files'] }),
    await library.contract('no-keys'),
    await library.compose('files', ['no-secrets', 'no-keys'], { description: 'What may be read' }),
    await library.deploy('files', 'production'),
  ])
    if (made.statusCode >= 300) throw new Error(made.body)
  await api('PUT', '/contracts/no-keys', { name: 'No keys' })
  await api('POST', '/bundles', { yaml_content: bundle('devops', 'rm -rf') })
  await api('POST', '/bundles', { yaml_content: bundle('devops', 'mkfs') })
  await api('POST', '/bundles/devops/1/deploy', { env: 'staging' })
  await api('POST', '/bundles/devops/2/deploy', { env: 'staging' })

  await api('POST', '/notifications/channels', {
    name: 'hook',
    channel_type: 'webhook',
    config: { url: `${model}/hook`, secret: 'sample' },
  })
  const { key: agentKey } = await api<{ key: string }>('POST', '/keys', { env: 'production', label: 'first' })
  const agent = { authorization: `Bearer ${agentKey}`, 'x-edictum-agent-id': 'agent-1' }
  const { id: revoked } = await api<{ id: string }>('POST', '/keys', { env: 'staging', label: 'revoked' })
  await call('DELETE', `/api/v1/keys/${revoked}`)
  await api('POST', '/assignment-rules', {
    priority: 1,
    pattern: 'agent-*',
    tag_match: { team: 'research' },
    bundle_name: 'files',
    env: 'production',
  })

  let event: object = {}
  for (let month = 0; month < 3; month++) {
    const events = ['call_allowed', 'call_executed', 'call_denied'].map((verdict, index) => ({
      call_id: `call-${month}-${index >> 1}`,
      agent_id: `agent-${index >> 1}`,
      tool_name: 'read_file',
      verdict,
      mode: index === 2 ? 'observe' : 'enforce',
      timestamp: new Date(t.clock.now() - index * DAY_MS).toISOString(),
      payload: {
        tool_args: { path: 'Ärger 日本.csv' },
        decision_name: index === 2 ? 'no-secrets' : null,
        policy_version: 'v1',
      },
    }))
    event = events[0] ?? event
    const agent_manifest = { agent_id: 'agent-1', policy_version: 'v1', contracts: [] }
    await api('POST', '/events', { events, agent_manifest }, agent)
    if (month < 2) t.clock.set(t.clock.now() + 31 * DAY_MS)
  }
  Object.assign(headers, await signInAgain())

  const ask = (tool_name: string) =>
    api<{ id: string }>(
      'POST',
      '/approvals',
      { agent_id: 'agent-1', tool_name, tool_args: { path: '/etc' }, message: 'May I?', timeout: 86_400 },
      { ...agent, 'idempotency-key': `ask-${tool_name}` },
    )
  const { id: pendingApproval } = await ask('write_file')
  const { id: decided } = await ask('delete_file')
  await api('PUT', `/approvals/${decided}`, { approved: false, reason: 'No' })
  await api('PUT', '/sessions/notes', { value: 'kept' }, agent)
  await api('POST', '/sessions/calls/increment', { amount: 3 }, agent)

  const worker = await deployAgent(
    t,
    headers,
    { tools: ['write_file', 'run_command'] },
    { labels: { team: 'research' } },
  )
  const service = await serviceHeaders(t)
  const execution = await startExecution(t, service, worker)
  await allEvents(address, service, execution)
  await api('PATCH', '/agent-registrations/agent-1', { display_name: 'First', tags: { team: 'research' } })

  const answers: Record<string, unknown> = {}
  for (const path of paths({ decided, pendingApproval, worker, execution }))
    answers[path] = (await call('GET', path)).json()
  return { agentKey, event, pendingApproval, answers }

  async function signInAgain(): Promise<Headers> {
    const { email, password } = CREDENTIALS
    const answer = await call('POST', '/api/v1/auth/login', { email, password })
    return { cookie: String(answer.headers['set-cookie']).split(';')[0] ?? '' }
  }
}

export const CREDENTIALS = { email: 'admin@example.com', password: 'correct horse battery' } as const

const paths = (ids: { decided: string; pendingApproval: string; worker: string; execution: string }): string[] => [
  '/api/v1/keys',
  '/api/v1/contracts',
  '/api/v1/contracts/no-keys',
  '/api/v1/compositions',
  '/api/v1/compositions/files',
  '/api/v1/bundles',
  '/api/v1/bundles/devops',
  '/api/v1/bundles/devops/2',
  '/api/v1/bundles/devops/current?env=staging',
  '/api/v1/deployments',
  '/api/v1/events',
  '/api/v1/events?tool_name=read_file&verdict=call_denied&mode=observe',
  '/api/v1/approvals',
  `/api/v1/approvals/${ids.decided}`,
  `/api/v1/approvals/${ids.pendingApproval}`,
  '/api/v1/agent-registrations',
  '/api/v1/assignment-rules',
  '/api/v1/notifications/channels',
  '/api/v1/settings/ai',
  '/api/v1/service-accounts',
  '/api/v1/stats/overview',
  '/v1/agents',
  `/v1/agents/${ids.worker}`,
  `/v1/executions/${ids.execution}`,
]

const bundle = (name: string, forbidden: string): string =>
  [
    'apiVersion: edictum/v1',
    'kind: ContractBundle',
    `metadata: {name: ${name}}`,
    'defaults: {mode: enforce}',
    'contracts:',
    `  - {id: no-${name}, type: pre, tool: exec, when: {args.command: {contains: "${forbidden}"}}, then: {effect: deny, message: "No."}}`,
    '',
  ].join('\n')
