import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** Workflows, from their registration to their removal. */
export async function recordWorkflows({ call, succeed, as, token, until, r, address }: Stage & People) {
  const manifest = (version: string) => `apiVersion: 100monkeys.ai/v1
kind: Workflow
metadata:
  name: release-gate
  version: "${version}"
  description: Builds, then asks a person.
spec:
  initial_state: BUILD
  states:
    BUILD:
      kind: System
      command: make all
      transitions:
        - { condition: exit_code_zero, target: REVIEW }
    REVIEW:
      kind: Human
      prompt: "Ship it? {{BUILD.output.stdout}}"
      transitions: []
`
  const broken = manifest('1.0.0').replace('target: REVIEW', 'target: NOWHERE')
  const operator = as(token)
  await succeed('POST /v1/workflows/validate', { ...operator, body: manifest('1.0.0') })
  await call('POST /v1/workflows/validate', { ...operator, body: ' ' })
  await succeed('POST /v1/workflows', { ...operator, body: manifest('1.0.0') })
  await call('POST /v1/workflows', { ...operator, body: manifest('1.0.0') })
  await call('POST /v1/workflows', { ...operator, body: broken })
  await succeed('POST /v1/workflows/temporal/register', { ...operator, body: manifest('1.1.0') })
  await call('POST /v1/workflows/temporal/register', { ...operator, body: manifest('1.1.0') })
  await call('POST /v1/workflows/temporal/register', { ...operator, body: broken })
  const one = { ...operator, path: { name: 'release-gate' } }
  const none = { ...operator, path: { name: 'nothing' } }
  await succeed('GET /v1/workflows', { ...operator, query: { limit: '1' } })
  await call('GET /v1/workflows', { ...operator, query: { scope: 'world' } })
  await succeed('GET /v1/workflows/:name', one)
  await succeed('GET /v1/workflows/:name/yaml', one)
  await succeed('GET /v1/workflows/:name/versions', { ...one, query: { limit: '1' } })
  await call('GET /v1/workflows/:name/versions', { ...one, query: { limit: 'all' } })
  for (const operation of ['GET /v1/workflows/:name', 'GET /v1/workflows/:name/yaml', 'DELETE /v1/workflows/:name'])
    await call(operation, none)
  await recordRuns()
  await succeed('PATCH /v1/workflows/:name/scope', { ...one, body: { scope: 'global' } })
  await succeed('POST /v1/workflows', { ...operator, body: manifest('1.0.0') })
  for (const method of ['PATCH', 'POST']) {
    const scope = `${method} /v1/workflows/:name/scope`
    await call(scope, { ...one, body: { scope: 'world' } })
    await call(scope, { ...none, body: { scope: 'global' } })
    await call(scope, { ...one, body: { scope: 'global' } })
  }
  await succeed('DELETE /v1/workflows/:name', one)
  await succeed('POST /v1/workflows/:name/scope', { ...one, body: { target_scope: 'tenant' } })
  await call('DELETE /v1/workflows/:name', one)

  async function recordRuns() {
    const flow = manifest('1.0.0').replace('make all', 'echo built')
    await succeed('POST /v1/workflows', { ...operator, query: { force: 'true' }, body: flow })
    const run = 'POST /v1/workflows/:name/run'
    const begun = await succeed<{ execution_id: string }>(run, { ...one, body: { input: { target: 'site' } } })
    await call(run, { ...none, body: { input: {} } })
    await call(run, { ...one, body: { input: {}, blackboard: { workflow: 'mine' } } })
    const other = await succeed<{ execution_id: string }>('POST /v1/workflows/:name/execute', { ...one, body: {} })
    await call('POST /v1/workflows/:name/execute', { ...none, body: {} })
    await call('POST /v1/workflows/:name/execute', { ...one, body: { timeout: 60 } })
    const execute = 'POST /v1/workflows/temporal/execute'
    await succeed(execute, { ...operator, body: { workflow_name: 'release-gate', input: {} } })
    await call(execute, { ...operator, body: {} })
    await call(execute, { ...operator, body: { workflow_name: 'nothing' } })
    const base = '/v1/workflows/executions/:id'
    const first = { ...operator, path: { id: begun.execution_id } }
    const second = { ...operator, path: { id: other.execution_id } }
    const current = async (of: typeof first) =>
      (await succeed<{ current_state: string; status: string }>(`GET ${base}`, of)) as {
        current_state: string
        status: string
      }
    await until(async () => (await current(first)).current_state === 'REVIEW')
    await until(async () => (await current(second)).current_state === 'REVIEW')
    await call(`DELETE ${base}`, first)
    await call(`POST ${base}/signal`, { ...first, body: {} })
    await succeed(`POST ${base}/signal`, { ...first, body: { response: 'yes', feedback: 'Well done.' } })
    await until(async () => (await current(first)).status === 'completed')
    await call(`POST ${base}/signal`, { ...first, body: { response: 'yes' } })
    await succeed(`POST ${base}/cancel`, { ...second, body: { reason: 'Not today.' } })
    await succeed('GET /v1/workflows/executions', { ...operator, query: { limit: '1' } })
    await call('GET /v1/workflows/executions', { ...operator, query: { status: 'asleep' } })
    await succeed(`GET ${base}/logs`, { ...first, query: { limit: '2' } })
    await call(`GET ${base}/logs`, { ...first, query: { limit: 'all' } })
    await r.follow(address, `GET ${base}/logs/stream`, first, 3)
    const invalid = { ...operator, path: { id: 'not-an-id' } }
    const unknown = { ...operator, path: { id: '00000000-0000-4000-8000-000000000000' } }
    for (const operation of [`GET ${base}`, `DELETE ${base}`, `POST ${base}/cancel`, `GET ${base}/logs`]) {
      await call(operation, invalid)
      await call(operation, unknown)
    }
    await call(`GET ${base}/logs/stream`, invalid)
    await call(`GET ${base}/logs/stream`, { ...operator, path: { id: '\0' } })
    await call(`POST ${base}/signal`, { ...invalid, body: { response: 'yes' } })
    await call(`POST ${base}/signal`, { ...unknown, body: { response: 'yes' } })
    await succeed(`DELETE ${base}`, first)
  }
}
