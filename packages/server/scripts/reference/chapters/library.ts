import type { Chapter } from '../chapter.ts'
import { once } from '../headers.ts'

const replay = {
  replay:
    'What the version decides differently of the calls recorded in the last day; null where `replay_problem` says why not.',
  unchanged: 'Calls that would be decided as they were.',
  by_contract: 'Changed calls, counted by the contract that makes the difference.',
  examples: 'Some of the changed calls, newest first.',
  from: 'What was decided.',
  to: 'What this version would decide.',
  'by_contract.count': 'Calls.',
  reason: 'Why this version decides so; null where it allows.',
  skipped: 'Calls that cannot be judged again.',
}

export const contracts: Chapter = {
  tag: 'contracts',
  description: 'The library: contracts in versions, of which compositions are made.',
  fields: {
    name: 'What people call the contract, at most 255 characters.',
    type: '`pre`, `post`, `session` or `sandbox`.',
    tags: 'Words by which the contract can be found.',
    created_by: 'Id of the user who made it.',
    definition: 'Everything of the contract but id and type, in the bundle language.',
    contracts_created: 'Ids of contracts that are new.',
    contracts_updated: 'Ids of contracts that got a further version.',
    bundle_composition_created: 'Name of the composition that was made; null where there was one already.',
    composition_id: 'Id of the composition.',
    environments: 'Where the composition was deployed again.',
    search: 'Part of name, description or id, whatever the case.',
    version: 'Version of the contract, counted from 1.',
  },
  operations: {
    'GET /api/v1/contracts': {},
    'POST /api/v1/contracts': { emits: ['contract_created'], notes: 'The first version of a new contract.' },
    'POST /api/v1/contracts/import': {
      notes: 'All of it or nothing. Compositions that follow by themselves are deployed again.',
      emits: ['contract_created', 'contract_updated', 'composition_changed'],
    },
    'GET /api/v1/contracts/:contract_id': {
      notes: 'The latest version with its definition, and the list of all versions.',
    },
    'PUT /api/v1/contracts/:contract_id': {
      emits: ['contract_updated', 'composition_changed', 'bundle_deployed', 'contract_update'],
    },
    'DELETE /api/v1/contracts/:contract_id': {
      notes: 'Refused with 409 while a composition uses it. Deployed bundles keep what they hold.',
    },
    'GET /api/v1/contracts/:contract_id/versions/:version': {
      notes: 'As it was then; `is_latest` tells whether it still is.',
    },
    'GET /api/v1/contracts/:contract_id/usage': { notes: 'Empty for a contract that is not there.' },
  },
}

export const compositions: Chapter = {
  tag: 'compositions',
  description: 'Lists of contracts with pinned versions, assembled into bundles and deployed.',
  fields: {
    name: 'Name of the composition and of its bundle: small letters, digits, `.`, `_` and `-`, at most 128.',
    description: 'What it is for, at most 2,000 characters; null where nobody said.',
    defaults_mode: '`enforce` or `observe`: the mode of contracts without one of their own.',
    update_strategy: 'What a new version of a contract does: `manual`, `auto_deploy` or `observe_first`.',
    contracts: 'The contracts in their order, at most 100.',
    contract_name: 'What people call the contract.',
    contract_type: '`pre`, `post`, `session` or `sandbox`.',
    position: 'Place in the bundle, in ascending order; need not be without gaps.',
    mode_override: 'Mode of this contract here; null takes its own, or the default.',
    'contracts.enabled': 'False: left out of the bundle.',
    has_newer_version: 'There is a newer version than the pinned one.',
    tools_config: 'Section `tools` of the bundle; null where there is none.',
    observability: 'Section `observability` of the bundle; null where there is none.',
    mode: 'The mode it has in the bundle.',
    version: 'Version of the contract.',
    promoted: 'Contracts whose observed version is now in force.',
    deployments: 'One for each environment the composition was deployed to again.',
    yaml_content: 'The assembled bundle; empty where no contract is enabled.',
    bundle_version: 'Version of the bundle that was made.',
    bundle_name: 'Name of the bundle: that of the composition.',
  },
  operations: {
    'GET /api/v1/compositions': {},
    'POST /api/v1/compositions': { emits: ['composition_changed'], notes: 'Nothing is deployed.' },
    'GET /api/v1/compositions/:name': {
      notes: 'With the pinned version of each contract, and whether there is a newer one.',
    },
    'PUT /api/v1/compositions/:name': { emits: ['composition_changed'], notes: 'Nothing is deployed.' },
    'DELETE /api/v1/compositions/:name': { emits: ['composition_changed'] },
    'POST /api/v1/compositions/:name/preview': {
      notes: 'Nothing is kept. Shows the text that a deployment would sign.',
    },
    'POST /api/v1/compositions/:name/deploy': {
      headers: [once],
      notes: 'All in one transaction: bundle version, signature, deployment and what agents are told.',
      emits: ['composition_changed', 'bundle_deployed', 'contract_update'],
    },
    'POST /api/v1/compositions/:name/promote': {
      headers: [once],
      notes: '409 where nothing is observed.',
      emits: ['composition_changed', 'bundle_deployed', 'contract_update'],
    },
  },
}

export const bundles: Chapter = {
  tag: 'bundles',
  description:
    'Versions of the documents that agents run: uploaded or assembled, never changed, judged before and after.',
  fields: {
    'reader_warnings.reader': 'Whose SDK refuses it: `typescript` or `go`.',
    ...replay,
    name: 'Name of the bundle, from `metadata.name`.',
    version: 'Version of the bundle, counted from 1.',
    id: 'Id of this version.',
    uploaded_by: 'E-mail address of who uploaded or composed it.',
    source_hub_slug: 'Always null: bundles are not taken from a hub.',
    source_hub_revision: 'Always null.',
    latest_version: 'The highest version.',
    version_count: 'How many versions there are.',
    last_updated: 'When the latest version was uploaded.',
    deployed_envs: 'Environments that run it now.',
    contract_count: 'Contracts in the latest version; null where they cannot be counted.',
    last_deployed_at: 'When any version was last deployed; null: never.',
    env: 'Environment: `production`, `staging` or `development`. An API key may only name its own.',
    limit: 'How many events to read at most, newest first.',
    tool_args: 'Arguments of the call, by name.',
    environment: 'What contracts that look at the environment see; absent: `production`.',
    principal: 'On whose behalf the call is made; null or absent: nobody.',
    'principal.role': 'Role of that person.',
    'principal.user_id': 'Id of that person.',
    claims: 'What else is said of that person, by name.',
    contracts_evaluated: 'Every precondition and sandbox that names the tool, in order.',
    'contracts_evaluated.id': 'Id of the contract.',
    'contracts_evaluated.type': '`precondition` or `sandbox`.',
    effect: 'What it does when it fires: `deny`, `approve` or `warn`.',
    'contracts_evaluated.message': 'Its message, filled in; null where it has none or did not fire.',
    deciding_contract: 'The contract that decided `verdict`; null when none did.',
    evaluation_time_ms: 'Milliseconds the judgement took, to two digits.',
    action: 'What the guard would do.',
    'decision.contract': 'Contract that decides; null when none does.',
    'decision.source': 'What kind of rule decides; null when none does.',
    'decision.reason': 'What the agent would be told; null when the call is allowed.',
    'semantics.kind': 'Always `dry_run`.',
    'semantics.description': 'The same in sentences.',
    postconditions_skipped: 'Postconditions that name the tool and were not judged: they need a result.',
    session_contracts_skipped: 'Session contracts that were not judged: they need a history.',
  },
  operations: {
    'POST /api/v1/bundles': {
      headers: [once],
      notes:
        'Nothing is deployed. The same bytes again make a further version. Size, depth, aliases and patterns of the document are bounded: docs/contract-language.md.',
      emits: ['bundle_uploaded'],
    },
    'GET /api/v1/bundles': { notes: 'Newest change first, with what is deployed where.' },
    'GET /api/v1/bundles/:name': { notes: 'Newest first.' },
    'GET /api/v1/bundles/:name/current': {
      notes:
        'What an agent that polls asks for: bytes, signature and the key to verify it with, and the gates that it goes through where there are some. 404 while nothing is deployed, 403 for a key of another environment.',
    },
    'GET /api/v1/bundles/:name/:version': {
      notes: 'An API key sees versions that were ever deployed to its environment.',
    },
    'GET /api/v1/bundles/:name/:version/yaml': {
      notes: 'As they were uploaded, so that the signature and the hash can be verified.',
    },
    'POST /api/v1/bundles/evaluate': {},
    'POST /api/v1/bundles/:name/:version/replay': {
      notes:
        'Runs in worker threads, two at once; who finds none free within ten seconds is answered 429. `since` that cannot be read is 400.',
    },
  },
}

export const deployments: Chapter = {
  tag: 'deployments',
  description: 'Which version of a bundle an environment runs, since when, and which agents have it.',
  fields: {
    ...replay,
    id: 'Id of the deployment.',
    name: 'Name of the bundle.',
    version: 'Version of the bundle.',
    created_at: 'When it was deployed.',
    env: 'Environment: `production`, `staging` or `development`.',
    rollout: 'How far it has come; null once another deployment took its place.',
    summary: 'The same as a sentence.',
    by_agent: 'Each agent of the environment that runs this bundle, seen within a day.',
    'by_agent.status': '`current`: runs this version; `drift`: another; `unknown`: has not said.',
  },
  operations: {
    'POST /api/v1/bundles/:name/:version/deploy': {
      headers: [once],
      notes:
        'All in one transaction: signature, deployment and what agents are told. An older version may be deployed again: that is how one rolls back. A bundle or version that is not there is 422.',
      emits: ['bundle_deployed', 'contract_update'],
    },
    'GET /api/v1/deployments': { notes: 'An empty filter filters nothing.' },
    'GET /api/v1/deployments/:id/rollout': {},
  },
}

export const gates: Chapter = {
  tag: 'gates',
  description:
    'Documents of kind `Workflow`, and the bundles whose agents go through them: stages in their order, what must be done in each, and who must agree.',
  fields: {
    id: 'Id of this version, or of this deployment.',
    name: 'Name of the bundle, or of the gates.',
    version: 'Version of the gates, counted from 1.',
    env: 'Environment: `production`, `staging` or `development`. An API key may only name its own.',
    'gates.name': 'Name of the gates.',
    'gates.version': 'Version of the gates, counted from 1.',
  },
  operations: {
    'POST /api/v1/gates': { headers: [once], notes: 'They stand before no bundle yet.' },
    'GET /api/v1/gates': {},
    'GET /api/v1/gates/:name/:version/yaml': { notes: 'As they were uploaded.' },
    'PUT /api/v1/bundles/:name/gates': {
      headers: [once],
      notes: '404 for a bundle of which there is no version, 422 for gates that there are not.',
      emits: ['gates_update'],
    },
    'GET /api/v1/bundles/:name/gates': {
      notes: 'Null where there are none. 403 for a key of another environment.',
    },
    'GET /api/v1/bundles/:name/gates/deployments': {},
  },
}
