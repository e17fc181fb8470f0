import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import type { TestServer } from './harness.ts'

/** Headers of a service account with a fresh token, of the administrator's tenant or of the owner's. */
export async function serviceHeaders(
  t: TestServer,
  account: { role?: string; scopes?: string[] } = {},
  owner?: Record<string, string>,
): Promise<Record<string, string>> {
  const created = await t.request({
    method: 'POST',
    url: '/api/v1/service-accounts',
    headers: owner ?? (await t.admin()),
    payload: { name: 'test', ...account },
  })
  if (created.statusCode !== 201) throw new Error(created.body)
  const { client_id, client_secret } = created.json<{ client_id: string; client_secret: string }>()
  const answer = await requestToken(t, { grant_type: 'client_credentials', client_id, client_secret })
  return { authorization: `Bearer ${answer.json<{ access_token: string }>().access_token}` }
}

export function requestToken(t: TestServer, form: Record<string, string>) {
  return t.request({
    method: 'POST',
    url: '/realms/aegis-system/protocol/openid-connect/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams(form).toString(),
  })
}

let scripts: string | undefined
let scriptCount = 0

/** A folder of this process for scripts, which goes with it. */
function scriptFolder(): string {
  if (scripts !== undefined) return scripts
  const folder = mkdtempSync(join(tmpdir(), 'lictor-script-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  scripts = folder
  return folder
}

/** A script for the scripted model in a file of its own; the environment that plays it. */
export function scriptEnvironment(turns: readonly object[]): Record<string, string> {
  const path = join(scriptFolder(), `script-${++scriptCount}.yaml`)
  writeFileSync(path, stringify({ turns }))
  return { LICTOR_MODEL_SCRIPT: path }
}

/** Deploy an agent; its id. `spec` is laid over a minimal manifest. */
export async function deployAgent(
  t: TestServer,
  headers: Record<string, string>,
  spec: object = {},
  metadata: object = {},
): Promise<string> {
  const manifest = {
    apiVersion: '100monkeys.ai/v1',
    kind: 'Agent',
    metadata: { name: 'worker', version: '1.0.0', ...metadata },
    spec: {
      runtime: { language: 'javascript', version: '20' },
      task: { instruction: 'Work.' },
      ...spec,
    },
  }
  const answer = await t.request({
    method: 'POST',
    url: '/v1/agents',
    headers: { ...headers, 'content-type': 'text/yaml' },
    payload: stringify(manifest),
  })
  if (answer.statusCode !== 200) throw new Error(answer.body)
  return answer.json<{ id: string }>().id
}

/** Upload a bundle of these contracts (a YAML list), deploy it to production and assign it to the agent. */
export async function governAgent(t: TestServer, contracts: string, agent = 'worker'): Promise<void> {
  const headers = await t.admin()
  const bundle = {
    apiVersion: 'edictum/v1',
    kind: 'ContractBundle',
    metadata: { name: 'rules' },
    defaults: { mode: 'enforce' },
    contracts: parse(contracts) as unknown,
  }
  const uploaded = await t.request({
    method: 'POST',
    url: '/api/v1/bundles',
    headers,
    payload: { yaml_content: stringify(bundle) },
  })
  if (uploaded.statusCode !== 201) throw new Error(uploaded.body)
  const { version } = uploaded.json<{ version: number }>()
  const deployed = await t.request({
    method: 'POST',
    url: `/api/v1/bundles/rules/${version}/deploy`,
    headers,
    payload: { env: 'production' },
  })
  if (deployed.statusCode >= 300) throw new Error(deployed.body)
  await t.server.database.db
    .updateTable('agent_registrations')
    .set({ bundle_name: 'rules' })
    .where('agent_id', '=', agent)
    .execute()
}

export interface StreamedEvent {
  readonly id: string
  readonly type: string
  readonly [field: string]: unknown
}

/** Start an execution; its id. */
export async function startExecution(
  t: TestServer,
  headers: Record<string, string>,
  agentId: string,
  body: object = { input: 'go' },
): Promise<string> {
  const answer = await t.request({
    method: 'POST',
    url: '/v1/executions',
    headers,
    payload: { agent_id: agentId, ...body },
  })
  if (answer.statusCode !== 200) throw new Error(answer.body)
  return answer.json<{ execution_id: string }>().execution_id
}

/** Read a stream to its end, or until `stop` says so of an event. */
export async function readStream(
  address: string,
  path: string,
  headers: Record<string, string>,
  stop: (event: StreamedEvent) => boolean | Promise<boolean> = () => false,
): Promise<StreamedEvent[]> {
  const response = await fetch(`${address}${path}`, { headers })
  if (response.status !== 200 || !response.body) throw new Error(`${response.status}: ${await response.text()}`)
  const events: StreamedEvent[] = []
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    const frames = text.split('\n\n')
    text = frames.pop() ?? ''
    for (const frame of frames) {
      const data = /^data: (.*)$/m.exec(frame)?.[1]
      if (data === undefined) continue
      const event = { ...(JSON.parse(data) as object), id: /^id: (.*)$/m.exec(frame)?.[1] ?? '' } as StreamedEvent
      events.push(event)
      // Leaving the loop closes the connection.
      if (await stop(event)) return events
    }
  }
  return events
}

/** Everything that happened in an execution, once it has ended. */
export const allEvents = (address: string, headers: Record<string, string>, id: string) =>
  readStream(address, `/v1/executions/${id}/stream`, headers)

/** The types of events, in order. */
export const types = (events: readonly StreamedEvent[]) => events.map((event) => event.type)
/** A turn of the scripted model that calls one tool. */
export const call = (name: string, args: object) => ({ tool_calls: [{ name, arguments: args }] })
/** The tools most tests need. */
export const files = ['read_file', 'write_file', 'list_dir']

/** A server that plays these turns, with an agent of these tools. */
export function world(startServer: (environment: Record<string, string>) => Promise<TestServer>) {
  return async (turns: readonly object[], spec: object = { tools: files }, metadata: object = {}) => {
    const t = await startServer(scriptEnvironment(turns))
    const address = await t.listen()
    const headers = await serviceHeaders(t)
    const agent = await deployAgent(t, headers, spec, metadata)
    const get = async (id: string) => (await t.request({ method: 'GET', url: `/v1/executions/${id}`, headers })).json()
    return {
      t,
      address,
      headers,
      agent,
      get,
      start: (body?: object) => startExecution(t, headers, agent, body),
      events: (id: string) => allEvents(address, headers, id),
      async run(body?: object) {
        const id = await startExecution(t, headers, agent, body)
        const events = await allEvents(address, headers, id)
        return { id, events, answer: await get(id) }
      },
      workspace: (id: string) => join(t.environment.LICTOR_DATA_DIR ?? '', 'executions', id, 'workspace'),
      /** Whenever this execution asks a person, do something first and then decide; its events, to the last. */
      decide: (id: string, answer: (event: StreamedEvent) => boolean | Promise<boolean>) =>
        readStream(address, `/v1/executions/${id}/stream`, headers, async (event) => {
          if (event.type !== 'approval_requested') return false
          const isApproved = await answer(event)
          const decided = await t.request({
            method: 'POST',
            url: `/v1/human-approvals/${event.approval_id}/${isApproved ? 'approve' : 'reject'}`,
            headers,
            payload: isApproved ? {} : { reason: 'Not today.' },
          })
          if (decided.statusCode !== 200) throw new Error(decided.body)
          return false
        }),
      /** What the model was told of its calls. */
      told: (events: readonly StreamedEvent[]) =>
        events.filter((event) => event.type === 'llm_interaction').map((event) => String(event.prompt)),
    }
  }
}

/** Wait for something another process brings about. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10))
}
