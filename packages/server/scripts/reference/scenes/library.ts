// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the contract language
import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** The library, compositions, bundles. */
export async function recordLibrary({ call, succeed, as, minute, person, agent }: Stage & People) {
  const definition = {
    tool: 'read_file',
    when: { 'args.path': { contains: '.env' } },
    then: { effect: 'deny', message: '.env holds secrets.' },
  }
  const contract = {
    contract_id: 'no-env',
    name: 'No .env',
    description: 'Keeps secrets from agents.',
    type: 'pre',
    definition,
    tags: ['secrets'],
  }
  await succeed('POST /api/v1/contracts', { ...as(person), body: contract })
  await call('POST /api/v1/contracts', { ...as(person), body: contract })
  await call('POST /api/v1/contracts', { ...as(person), body: { ...contract, contract_id: 'No Env' } })
  await succeed('GET /api/v1/contracts', { ...as(person), query: { type: 'pre', tag: 'secrets' } })
  const ById = { path: { contract_id: 'no-env' } }
  const composition = {
    name: 'house-rules',
    description: 'What every agent keeps to.',
    update_strategy: 'observe_first',
    contracts: [{ contract_id: 'no-env', position: 10 }],
  }
  await succeed('POST /api/v1/compositions', { ...as(person), body: composition })
  await call('POST /api/v1/compositions', { ...as(person), body: composition })
  const byName = { path: { name: 'house-rules' } }
  await succeed('POST /api/v1/compositions/:name/preview', { ...as(person), ...byName })
  await call('POST /api/v1/compositions/:name/promote', { ...as(person), ...byName, body: {} })
  await succeed('POST /api/v1/compositions/:name/deploy', { ...as(person), ...byName, body: { env: 'production' } })
  await minute()
  await succeed('PUT /api/v1/contracts/:contract_id', {
    ...as(person),
    ...ById,
    body: { definition: { ...definition, then: { effect: 'deny', message: 'Secrets stay where they are.' } } },
  })
  await succeed('GET /api/v1/compositions', as(person))
  await succeed('GET /api/v1/compositions/:name', { ...as(person), ...byName })
  await succeed('POST /api/v1/compositions/:name/promote', {
    ...as(person),
    ...byName,
    body: { contract_id: 'no-env' },
  })
  await succeed('PUT /api/v1/compositions/:name', { ...as(person), ...byName, body: { update_strategy: 'manual' } })
  await succeed('GET /api/v1/contracts/:contract_id', { ...as(person), ...ById })
  await succeed('GET /api/v1/contracts/:contract_id/versions/:version', {
    ...as(person),
    path: { contract_id: 'no-env', version: '1' },
  })
  await succeed('GET /api/v1/contracts/:contract_id/usage', { ...as(person), ...ById })
  await call('DELETE /api/v1/contracts/:contract_id', { ...as(person), ...ById })
  const bundle = `apiVersion: edictum/v1
kind: ContractBundle
metadata:
  name: assistant
defaults:
  mode: enforce
contracts:
  - id: no-env
    type: pre
    tool: read_file
    when: { args.path: { contains: .env } }
    then: { effect: deny, message: .env holds secrets. }
  - id: ask-first
    type: pre
    tool: delete_file
    when: { args.path: { exists: true } }
    then: { effect: approve, message: "Delete {args.path}?", timeout: 300 }
`
  await succeed('POST /api/v1/contracts/import', {
    ...as(person),
    body: { yaml_content: bundle.replace('name: assistant', 'name: imported').replace('id: no-env', 'id: no-dotenv') },
  })
  await succeed('DELETE /api/v1/compositions/:name', { ...as(person), path: { name: 'imported' } })
  await succeed('DELETE /api/v1/contracts/:contract_id', { ...as(person), path: { contract_id: 'no-dotenv' } })
  await call('POST /api/v1/bundles', { ...as(person), body: { yaml_content: bundle.replace('contains:', 'contain:') } })
  await succeed('POST /api/v1/bundles', { ...as(person), body: { yaml_content: bundle } })
  const v1 = { path: { name: 'assistant', version: '1' } }
  await call('POST /api/v1/bundles/:name/:version/deploy', {
    ...as(person),
    path: { name: 'assistant', version: '9' },
    body: { env: 'production' },
  })
  const deployment = await succeed<{ id: string }>('POST /api/v1/bundles/:name/:version/deploy', {
    ...as(person),
    ...v1,
    body: { env: 'production' },
  })
  await call('GET /api/v1/bundles/:name/current', {
    headers: agent,
    path: { name: 'assistant' },
    query: { env: 'staging' },
  })
  const current = await succeed<{ revision_hash: string }>('GET /api/v1/bundles/:name/current', {
    headers: agent,
    path: { name: 'assistant' },
    query: { env: 'production' },
  })
  await recordGates({ call, succeed, as, person, agent })
  await succeed('GET /api/v1/bundles', as(agent))
  await succeed('GET /api/v1/bundles/:name', { ...as(person), path: { name: 'assistant' } })
  await succeed('GET /api/v1/bundles/:name/:version', { ...as(agent), ...v1 })
  await succeed('GET /api/v1/bundles/:name/:version/yaml', { ...as(agent), ...v1 })
  await succeed('POST /api/v1/bundles/evaluate', {
    ...as(person),
    body: {
      yaml_content: bundle,
      tool_name: 'read_file',
      tool_args: { path: '/app/.env' },
      environment: 'production',
      principal: { user_id: 'ada', role: 'developer' },
    },
  })
  return { definition, bundle, deployment, current }
}

async function recordGates({
  call,
  succeed,
  as,
  person,
  agent,
}: Pick<Stage & People, 'call' | 'succeed' | 'as' | 'person' | 'agent'>) {
  const gates = `apiVersion: edictum/v1
kind: Workflow
metadata: { name: release }
stages:
  - id: prepare
    tools: [Read]
    exit:
      - { condition: file_read("CHECKLIST.md"), message: Read CHECKLIST.md first }
  - id: ship
    tools: [Bash]
`
  const ofBundle = { path: { name: 'assistant' } }
  const put = (version: number) => ({
    ...as(person),
    ...ofBundle,
    body: { env: 'production', gates: { name: 'release', version } },
  })
  await call('POST /api/v1/gates', { ...as(person), body: { yaml_content: gates.replace('stages:', 'steps:') } })
  await succeed('POST /api/v1/gates', { ...as(person), body: { yaml_content: gates } })
  await succeed('GET /api/v1/gates', as(person))
  await succeed('GET /api/v1/gates/:name/:version/yaml', { ...as(person), path: { name: 'release', version: '1' } })
  await call('PUT /api/v1/bundles/:name/gates', put(9))
  await succeed('PUT /api/v1/bundles/:name/gates', put(1))
  await succeed('GET /api/v1/bundles/:name/gates', { ...as(agent), ...ofBundle, query: { env: 'production' } })
  await succeed('GET /api/v1/bundles/:name/gates/deployments', { ...as(person), ...ofBundle })
  await call('GET /api/v1/bundles/:name/gates', { headers: agent, ...ofBundle, query: { env: 'staging' } })
  const ofNone = { path: { name: 'nothing' } }
  await call('GET /api/v1/bundles/:name/gates', { headers: agent, ...ofNone, query: { env: 'production' } })
  await call('GET /api/v1/bundles/:name/gates/deployments', { ...as(person), ...ofNone })
  // The scenes to come are about agents without gates.
  await succeed('PUT /api/v1/bundles/:name/gates', {
    ...as(person),
    ...ofBundle,
    body: { env: 'production', gates: null },
  })
}

export type Library = Awaited<ReturnType<typeof recordLibrary>>
