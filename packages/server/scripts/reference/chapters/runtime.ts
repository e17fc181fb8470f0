import { LONGEST_AGENT_ID } from '../../../src/governance/fleet/registrations.ts'
import type { Chapter } from '../chapter.ts'
import { once } from '../headers.ts'

const runtimeAgent = {
  agents: 'The agents.',
  'agents.agents': 'The agents.',
  agent_type:
    'Label `type` of the manifest or, where it has none, `role`; null where it has neither. As a filter: exactly this.',
  annotations: 'From the manifest.',
  capability_tags: 'Tags of the manifest.',
  execution_count: 'Executions of the agent, ever.',
  input_schema: 'JSON Schema of what an execution takes; absent where the manifest has none.',
  labels: 'From the manifest.',
  manifest: 'The whole manifest, as it was understood.',
  manifest_yaml: 'The manifest as it was sent.',
  new_scope: 'The scope it has now.',
  scope: '`tenant`: only its tenant sees it; `global`: every tenant does.',
  target_scope: 'The same, under the name that newer clients send; wins over `scope`.',
  versions: 'The versions, newest first.',
  deployed_at: 'When this version was deployed.',
  force: '`true` replaces an agent of the same name and version.',
  visible: '`false` leaves out agents of every tenant; the default is `true`.',
}

export const agents: Chapter = {
  tag: 'agents',
  description:
    'Agents: those that SDKs report, with drift and coverage (`/api/v1`), and those that this server runs (`/v1`).',
  fields: {
    key_id: 'The API key that reported it.',
    skills_dir: 'The folder that was scanned.',
    total_scanned: 'How many skills were looked at.',
    violations: 'What was found, by skill.',
    agent_id: 'Id of the agent.',
    tenant_id: 'Id of the tenant it belongs to.',
    count: 'How many there are.',
    items: 'The same list, under the name that other clients read.',
    warnings: 'What to know, though nothing was refused.',
    ...runtimeAgent,
    'events.agent_id': 'Name of the agent.',
    display_name: 'What people call the agent, at most 255 characters; null where nobody said.',
    tags: 'Tags of the agent, by name; assignment rules match on them.',
    bundle_name: 'The bundle; null where there is none.',
    status: '`current`, `drift` or `unknown`; of an agent of the runtime `active`.',
    'tools.status': '`enforced`, `observed` or `ungoverned`.',
    connected_at: 'Since when its stream is open.',
    env: 'Environment its key reaches.',
    environment: 'Environment it was last seen in; null or `unknown` where it is not known.',
    events: 'What happened, newest first.',
    'events.type': '`first_seen`, `deployment`, `drift_detected` or `drift_resolved`.',
    'events.environment': 'With `first_seen`: where.',
    'events.bundle_name': 'With `deployment`: the bundle.',
    'events.bundle_version': 'With `deployment`: its version.',
    'events.deployed_by': 'With `deployment`: who.',
    'events.revision_hash': 'With `deployment`: hash of the bytes.',
    'events.policy_version': 'With `drift_resolved`: the hash it runs.',
    drift_duration_seconds: 'With `drift_resolved`: how long it ran another version.',
    expected_version: 'With `drift_detected`: the hash it should run.',
    actual_version: 'With `drift_detected`: the hash it runs.',
    updated: 'Agents whose assignment changed; names that are not registered do not count.',
    drift_status: '`current`: runs what is deployed; `drift`: something else; `unknown`: has not said.',
    last_seen: 'When its last event came in.',
    last_used: 'When it was last called.',
    event_count: 'Calls in the time asked for.',
    time_window: 'The time that was looked at.',
    'time_window.until': 'End: now.',
    deployed_bundle: 'What is deployed to its environment for it; null where nothing is.',
    'deployed_bundle.name': 'Name of the bundle.',
    'deployed_bundle.version': 'Version of the bundle.',
    tools: 'Every tool it used, by name.',
    'tools.contract_name': 'The contract that governs the tool; null where none does.',
    'tools.contract_type': 'Its type; null where none governs.',
    'tools.mode': 'Its mode; null where none governs.',
    'tools.bundle_name': 'The bundle it is in; null where none governs.',
    deny_count: 'Calls that were denied; null unless `include_verdicts`.',
    allow_count: 'Calls that were allowed; null unless `include_verdicts`.',
    observe_count: 'Calls that would have been denied; null unless `include_verdicts`.',
    include_verdicts: 'Also count what was decided.',
    total_tools: 'Tools that were used.',
    enforced: 'Tools that a contract in enforce mode names.',
    observed: 'Tools that only contracts in observe mode name.',
    ungoverned: 'Tools that no contract names.',
    summary: 'The tools, counted.',
    fleet_summary: 'All agents, counted.',
    total_agents: 'Agents with events in the time asked for.',
    fully_enforced: 'Agents all of whose tools are enforced.',
    with_ungoverned: 'Agents with an ungoverned tool.',
    with_drift: 'Agents that run another version than the deployed one.',
    total_ungoverned_tools: 'Different tools that some agent uses ungoverned.',
    ungoverned_tools: 'These tools, with the agents that use them.',
    agent_count: 'How many agents use it so.',
    limit: 'How many to answer with at most.',
    agent_ids: 'Names of agents.',
    id: 'Id: a UUID, given by the server.',
    name: 'Name of the agent, from its manifest.',
    description: 'From the manifest; empty where it has none.',
    version: 'Version in the manifest, for example `1.0.0`.',
    success: 'True.',
  },
  operations: {
    'POST /api/v1/skill-scan': {
      notes: 'For SDKs that scan the folders of an assistant; the same as `POST /v1/skill-scan`.',
    },
    'GET /api/v1/skill-scans': { notes: 'At most 200.' },
    'POST /api/v1/agents/ack': {
      notes: 'Our own guard sends it with each version it adopts; the fleet shows it at once.',
      headers: [{ name: 'X-Edictum-Agent-Id', description: 'Name of the agent; without it 422.' }],
    },
    'GET /api/v1/agents/status': {
      notes: 'Agents whose stream is open on any node, and whether they run what is deployed.',
    },
    'GET /api/v1/agents/:agent_id/history': {},
    'GET /api/v1/agent-registrations': { notes: 'Every agent that ever reported, connected or was deployed.' },
    'PATCH /api/v1/agent-registrations/:agent_id': {
      notes: 'A connected agent whose bundle changes by it is told at once.',
      emits: ['assignment_changed'],
    },
    'POST /api/v1/agent-registrations/bulk-assign': {
      notes: 'Names that are not registered are left out. Connected agents are told at once.',
      emits: ['assignment_changed'],
    },
    'GET /api/v1/agents/fleet-coverage': {
      notes: 'Agents with events in the time asked for. `since` that cannot be read is 400.',
    },
    'GET /api/v1/agents/:agent_id/coverage': { notes: '`since` that cannot be read is 400.' },
    'POST /v1/agents': {
      notes:
        'An agent of the same name gets a further version; the same version again is 409 unless `force`. It is registered for governance under its name.',
      body: {
        type: 'text/yaml',
        schema: {
          type: 'object',
          description: 'The manifest: `apiVersion: 100monkeys.ai/v1`, `kind: Agent`, `metadata` and `spec`.',
        },
      },
    },
    'GET /v1/agents': {
      notes: "The tenant's own and the global ones, by name. `limit` is at most 1,000; without one, all of them.",
    },
    'GET /v1/agents/lookup/:name': { notes: "The tenant's own before a global one." },
    'GET /v1/agents/:id': { notes: 'With its manifest.' },
    'PATCH /v1/agents/:id': {
      notes:
        'The result is judged like a new manifest; a key that no manifest has is 422. The name stays. A status alone makes no version. Executions that run keep the manifest they began with.',
    },
    'DELETE /v1/agents/:id': { notes: 'Executions that run are not ended.' },
    'GET /v1/agents/:id/versions': { notes: 'Every manifest that was deployed under this id.' },
    'PATCH /v1/agents/:id/scope': { notes: '409 where the name is taken in the other scope.' },
    'POST /v1/agents/:id/scope': {
      notes: 'The same as `PATCH`, for clients that send `POST`. 409 where the name is taken in the other scope.',
    },
  },
}

export const executions: Chapter = {
  tag: 'executions',
  description: 'Runs of an agent: started, watched, cancelled, read.',
  fields: {
    agent_name: 'Name of the agent, from its manifest.',
    count: 'How many there are.',
    execution_id: 'Id of the execution.',
    items: 'The same list, under the name that other clients read.',
    offset: 'How many to skip, from the newest.',
    success: 'True: it was done.',
    tenant_id: 'Id of the tenant it belongs to.',
    id: 'Id of the execution; in paths of agents that of the agent.',
    agent_id: 'Id of the agent.',
    executions: 'The executions, newest first.',
    workflow_name: 'Always null: the execution belongs to no workflow. As a filter it finds nothing.',
    status: '`pending`, `running`, `completed`, `failed` or `cancelled`; after deletion `deleted`.',
    started_at: 'When it was started.',
    ended_at: 'When it ended; null while it runs.',
    summary: 'Why it failed or was cancelled; null otherwise.',
    error: 'Why it failed or was cancelled; null otherwise.',
    total_iterations: 'Attempts it made.',
    hierarchy: 'Where it stands among the executions that executions began.',
    parent_execution_id: 'The execution that began it; null for one that a caller began.',
    swarm_id: 'The swarm that it was begun in; null: none.',
    input: 'What the agent is given: any JSON. Checked by `input_schema` of the manifest.',
    workflow_input: 'The input under the name that workflows give it; it comes before `input`.',
    max_iterations: 'Attempts it may make.',
    security_context_name: 'Name of the security context it was created with.',
    initiating_user_sub: 'Who began it, as the audit log names actors.',
    iterations: 'Its attempts, in their order.',
    intent: 'What is wanted, in words; null where nobody said. Without an input it is the whole prompt.',
    output: 'What the agent answered; null before it has.',
    context_overrides:
      'Further variables of the prompt template: an object. `instruction`, `iteration_number` and `previous_error` are refused.',
    attachments:
      'Files of volumes (`volume_id`, `path`), handed to the agent as `attachments` of its input; size, type and hash are read again. A file that is not there is 422.',
    version: 'Refuses with 409 unless the agent has this version.',
    limit: 'How many to answer with at most, up to 1,000; absent: 20.',
    reason: 'Why, at most 2,000 characters; shown as `error`.',
    '*': 'Path of the file inside the workspace.',
    follow: '`false`: what happened so far, then the end; otherwise the stream stays open until the execution ends.',
    verbose: 'Taken for clients that send it; the answer is the same.',
    token: 'The access token, for clients that cannot set headers.',
  },
  operations: {
    'POST /v1/executions': {
      headers: [once],
      notes:
        'Answers at once with the state `pending`; follow it on its stream. The instance runs in a sandbox, its tool calls are judged by the contracts assigned to the agent.',
      emits: ['execution_started', 'iteration_started', 'llm_interaction', 'execution_completed'],
    },
    'GET /v1/executions': { notes: '`status` in any case.' },
    'POST /v1/agents/:id/execute': {
      headers: [once],
      notes: 'The same as `POST /v1/executions`, with the agent in the path.',
      emits: ['execution_started'],
    },
    'GET /v1/executions/:id': { notes: 'With input, output and attempts.' },
    'DELETE /v1/executions/:id': { notes: '409 while it runs.' },
    'POST /v1/executions/:id/cancel': {
      notes: 'The record says so at once; the instance is ended within its grace.',
      emits: ['execution_cancelled'],
    },
    'GET /v1/executions/:id/files/*': {
      notes:
        'Sent as an attachment, so that stored HTML does not run in a browser. A path out of the workspace is refused.',
    },
    'GET /v1/executions/:id/stream': {
      notes: 'Server-sent events, each with an id and its type.',
      headers: [
        { name: 'Last-Event-ID', description: 'Id of the last event that was seen: only what came since is sent.' },
      ],
    },
    'GET /v1/executions/:id/events': {
      notes: 'The same as `/stream`.',
      headers: [
        { name: 'Last-Event-ID', description: 'Id of the last event that was seen: only what came since is sent.' },
      ],
    },
    'GET /v1/agents/:id/events': {
      notes: 'Its last 50 executions and what was done to it, then what happens. Stays open over executions.',
      headers: [
        { name: 'Last-Event-ID', description: 'Id of the last event that was seen: only what came since is sent.' },
      ],
    },
    'GET /v1/agents/:id/logs': {
      notes: 'The same as `/events`.',
      headers: [
        { name: 'Last-Event-ID', description: 'Id of the last event that was seen: only what came since is sent.' },
      ],
    },
  },
}

export const humanApprovals: Chapter = {
  tag: 'human approvals',
  description: 'The runtime’s view of the one inbox: what `/api/v1/approvals` shows too.',
  fields: {
    agent_id: `Name of the agent, at most ${LONGEST_AGENT_ID} characters.`,
    count: 'How many there are.',
    items: 'The same list, under the name that other clients read.',
    tenant_id: 'Id of the tenant it belongs to.',
    tool_name: 'Name of the tool, as the agent calls it.',
    id: 'Id of the request: that of the approval.',
    pending_requests: 'What waits, newest first, at most 500.',
    prompt: 'What the person is asked.',
    timeout_seconds: 'How long it waits, in seconds.',
    request: 'The request; its fields stand beside it too.',
    feedback: 'What the agent is told; null or absent: nothing.',
    approved_by: 'Taken for clients that send it; who calls decides.',
    rejected_by: 'Taken for clients that send it; who calls decides.',
    reason: 'What the agent is told; not empty.',
    status: '`approved` or `rejected`.',
    request_id: 'Id of the request.',
  },
  operations: {
    'GET /v1/human-approvals': { notes: 'Of every environment.' },
    'GET /v1/human-approvals/:id': { notes: '404 once it is decided.' },
    'POST /v1/human-approvals/:id/approve': {
      notes: 'Exactly one decision counts; a later one is 409.',
      emits: ['approval_decided'],
    },
    'POST /v1/human-approvals/:id/reject': {
      notes: 'Exactly one decision counts; a later one is 409.',
      emits: ['approval_decided'],
    },
  },
}

const dispatchNotes =
  'Answers with `dispatch` (run this command, then report) or `final`. Waits while the model writes and while people decide. 429 and 502 come from the model, 500 when the inner loop finds no end.'

export const dispatch: Chapter = {
  tag: 'dispatch',
  description: 'What the bootstrap in a sandbox calls: model and tools of a running execution.',
  fields: {
    token: 'The secret of the address, made for this attempt.',
    type: '`dispatch` or `final`.',
    dispatch_id: 'Id that the result names.',
    action: 'Always `exec`.',
    command: 'Program to run.',
    args: 'Its arguments.',
    cwd: 'Folder to run it in.',
    env_additions: 'Variables to add to its environment.',
    timeout_secs: 'Seconds after which it is stopped.',
    max_output_bytes: 'Bytes of output to keep; the end of more.',
    shell: 'False: run it without a shell.',
    content: "The agent's answer.",
    tool_calls_executed: 'Tools called on the way.',
    conversation: 'Everything that was said, for the next step.',
  },
  operations: {
    'POST /x/:token/v1/dispatch-gateway': { notes: dispatchNotes },
    'POST /v1/dispatch-gateway': { notes: `${dispatchNotes} The execution is named in the message.` },
  },
}
