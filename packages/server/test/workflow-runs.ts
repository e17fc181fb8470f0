import { stringify } from 'yaml'
import type { TestServer } from './harness.ts'
import { deployAgent, readStream, world } from './runtime.ts'

/** A server on which workflows are registered and run, with what tests ask of it. */
export function workflowWorld(start: (environment: Readonly<Record<string, string>>) => Promise<TestServer>) {
  let t: TestServer
  const opened = world(async (environment) => {
    t = await start({ ...environment, LICTOR_SANDBOX: 'process' })
    return t
  })
  return async function open() {
    const { headers, address } = await opened([], {})
    const send = (method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object, as = headers) =>
      t.request({ method, url, headers: as, ...(payload === undefined ? {} : { payload }) })
    const runUrl = (id: string, rest = '') => `/v1/workflows/executions/${id}${rest}`
    return {
      headers,
      address,
      send,
      runUrl,
      /** An agent that plays these turns. */
      agent: (name: string, turns: readonly object[]) =>
        deployAgent(
          t,
          headers,
          { runtime: { language: 'javascript', version: '20', model: 'scripted' } },
          { name, annotations: { 'lictor.dev/script': stringify({ turns }) } },
        ),
      async register(states: object, metadata: Readonly<Record<string, unknown>> = {}, spec: object = {}) {
        const definition = {
          apiVersion: '100monkeys.ai/v1',
          kind: 'Workflow',
          metadata: { name: 'flow', ...metadata },
          spec: { initial_state: Object.keys(states)[0], states, ...spec },
        }
        const answer = await send('POST', '/v1/workflows?force=true', { name: metadata.name ?? 'flow', definition })
        if (answer.statusCode !== 200) throw new Error(answer.body)
      },
      async run(body: object = {}, name = 'flow') {
        const answer = await send('POST', `/v1/workflows/${name}/run`, body)
        if (answer.statusCode !== 200) throw new Error(answer.body)
        return answer.json<{ execution_id: string }>().execution_id
      },
      get: async (id: string) => (await send('GET', runUrl(id))).json(),
      executions: async () =>
        (await send('GET', '/v1/executions')).json<{
          executions: { id: string; status: string; agent_name: string; input: unknown }[]
        }>().executions,
      /** As it is when it has ended, and what its log says. */
      async ended(id: string) {
        const log = await readStream(address, runUrl(id, '/logs/stream'), headers)
        return { run: (await send('GET', runUrl(id))).json(), log }
      },
      pending: async () =>
        (await send('GET', '/v1/human-approvals')).json<{ items: { id: string; execution_id: string }[] }>().items,
    }
  }
}
