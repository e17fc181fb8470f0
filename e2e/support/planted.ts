// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the contract language
import { stringify } from 'yaml'
import { administrator, eventually } from './server.ts'

/** One of everything in a tenant of a running server: who may call, and what its things are called. */
export interface Planted {
  /** Headers of the administrator's session, as the console sends them. */
  readonly session: Readonly<Record<string, string>>
  /** Headers of an API key of production. */
  readonly key: Readonly<Record<string, string>>
  /** Headers of a service account, with an access token that lasts five minutes from now. */
  token(): Promise<Readonly<Record<string, string>>>
  /** Names and ids by which its things are addressed: a path parameter's name, or `<first word of the path>.<name>`. */
  readonly ids: Readonly<Record<string, string>>
}

/** Fill an empty server. `hookUrl` is where its notification channel sends to. */
export async function plant(url: string, hookUrl: string): Promise<Planted> {
  const admin = await administrator(url)
  const session = { cookie: admin.cookie, 'x-requested-with': 'e2e' }
  const key = {
    authorization: `Bearer ${await admin.createKey('production')}`,
    'x-edictum-agent-id': 'agent-1',
  }
  const send = async <T>(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<T> => {
    const raw = typeof body === 'string'
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { 'content-type': raw ? 'text/yaml' : 'application/json', ...headers },
      body: raw ? body : JSON.stringify(body),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`)
    return (text === '' ? null : JSON.parse(text)) as T
  }
  const definition = {
    tool: 'read_file',
    when: { 'args.path': { contains: '.env' } },
    then: { effect: 'deny', message: '.env holds secrets.' },
  }
  await admin.call('POST', '/api/v1/contracts', { contract_id: 'no-env', name: 'No .env', type: 'pre', definition })
  await admin.call('POST', '/api/v1/contracts', { contract_id: 'unused', name: 'Unused', type: 'pre', definition })
  await admin.call('PUT', '/api/v1/contracts/no-env', { description: 'Keeps secrets from agents.' })
  await admin.call('POST', '/api/v1/compositions', {
    name: 'house-rules',
    contracts: [{ contract_id: 'no-env', position: 10 }],
  })
  await admin.call('POST', '/api/v1/compositions/house-rules/deploy', { env: 'production' })
  const bundle = {
    apiVersion: 'edictum/v1',
    kind: 'ContractBundle',
    metadata: { name: 'assistant' },
    defaults: { mode: 'enforce' },
    contracts: [{ id: 'no-env', type: 'pre', ...definition }],
  }
  await admin.call('POST', '/api/v1/bundles', { yaml_content: stringify(bundle) })
  const deployment = await admin.call<{ id: string }>('POST', '/api/v1/bundles/assistant/1/deploy', {
    env: 'production',
  })
  const event = (call_id: string, verdict: string) => ({
    call_id,
    agent_id: 'agent-1',
    tool_name: 'read_file',
    verdict,
    mode: 'enforce',
    timestamp: new Date().toISOString(),
    payload: { tool_args: { path: '.env' }, decision_name: 'no-env' },
  })
  await send('POST', '/api/v1/events', { events: [event('c1', 'call_denied'), event('c2', 'call_allowed')] }, key)
  const ask = async () =>
    (
      await send<{ id: string }>(
        'POST',
        '/api/v1/approvals',
        {
          agent_id: 'agent-1',
          tool_name: 'delete_file',
          tool_args: { path: 'old.csv' },
          message: 'May it?',
          timeout: 3600,
        },
        key,
      )
    ).id
  const approval = await ask()
  const decided = await ask()
  await admin.decide(decided, true)
  await send('PUT', '/api/v1/sessions/calls', { value: '3' }, key)
  const rule = await admin.call<{ id: string }>('POST', '/api/v1/assignment-rules', {
    priority: 7,
    pattern: 'agent-*',
    bundle_name: 'assistant',
    env: 'production',
  })
  const channel = await admin.call<{ id: string }>('POST', '/api/v1/notifications/channels', {
    name: 'hook',
    channel_type: 'webhook',
    config: { url: hookUrl },
  })
  const apiKey = await admin.call<{ id: string }>('POST', '/api/v1/keys', { env: 'staging', label: 'spare' })
  const account = await admin.call<{ id: string; client_id: string; client_secret: string }>(
    'POST',
    '/api/v1/service-accounts',
    { name: 'ci', role: 'aegis:admin' },
  )
  const spare = await admin.call<{ id: string }>('POST', '/api/v1/service-accounts', { name: 'spare' })
  const token = async () => {
    const granted = await fetch(`${url}/realms/aegis-system/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: account.client_id,
        client_secret: account.client_secret,
      }),
    })
    const { access_token } = (await granted.json()) as { access_token: string }
    return { authorization: `Bearer ${access_token}` }
  }
  const bearer = await token()
  const manifest = {
    apiVersion: '100monkeys.ai/v1',
    kind: 'Agent',
    metadata: { name: 'worker', version: '1.0.0' },
    spec: {
      runtime: { language: 'javascript', version: '20' },
      task: { instruction: 'Say hello.' },
      tools: ['list_dir'],
    },
  }
  const agent = await send<{ id: string }>('POST', '/v1/agents', stringify(manifest), bearer)
  const execution = await send<{ execution_id: string }>(
    'POST',
    '/v1/executions',
    { agent_id: agent.id, input: 'go' },
    bearer,
  )
  await eventually('the execution ends', async () => {
    const { status } = await admin.call<{ status: string }>('GET', `/v1/executions/${execution.execution_id}`)
    return status !== 'running' && status !== 'pending'
  })
  return {
    session,
    key,
    token,
    ids: {
      contract_id: 'no-env',
      'compositions.name': 'house-rules',
      'bundles.name': 'assistant',
      'bundles.version': '1',
      'contracts.version': '1',
      'agents.name': 'worker',
      key_id: apiKey.id,
      'deployments.id': deployment.id,
      agent_id: 'agent-1',
      rule_id: rule.id,
      approval_id: approval,
      channel_id: channel.id,
      'sessions.key': 'calls',
      'service-accounts.id': spare.id,
      'agents.id': agent.id,
      'executions.id': execution.execution_id,
      'human-approvals.id': decided,
      realm: 'aegis-system',
    },
  }
}
