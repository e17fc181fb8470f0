import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** Workflows, from their registration to their removal. */
export async function recordWorkflows({ call, succeed, as, token }: Stage & People) {
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
}
