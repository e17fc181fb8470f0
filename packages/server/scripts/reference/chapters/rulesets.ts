import type { Chapter } from '../chapter.ts'

const agentHeader = {
  name: 'X-Edictum-Agent-Id',
  description: 'Who the agent is, as it says of itself.',
}

export const rulesets: Chapter = {
  tag: 'rulesets',
  description:
    'The doors of the later SDKs: edictum 0.18 and later in Python, and those for TypeScript and Go. They lead to the same bundles, approvals, events and sessions as `/api/v1`.',
  fields: {
    name: 'Name of the bundle.',
    version: 'Its version, counted from 1.',
    status: '`ok`.',
    value: 'The value; of a counter its number. Kept for seven days after the last write, at most 1 MiB.',
    values: 'Values by key, as texts; null where there is none.',
    keys: 'Keys to read, at most 100.',
    amount: 'What to add; may be negative or a fraction.',
    events: 'The events, at most 10,000.',
    accepted: 'How many were stored.',
    duplicates: 'How many were stored before.',
    'rejected.index': 'Place in the batch, from 0.',
    'rejected.detail': 'What is wrong with it.',
    agent_manifest: 'What the agent enforces by itself.',
    'agent_manifest.agent_id': 'Name of the agent.',
    'agent_manifest.policy_version': 'Hash of what it enforces.',
    'agent_manifest.rules': 'Its rules.',
    'agent_manifest.contracts': 'Its rules, by the name that earlier clients give them.',
    'rules.id': 'Id of the rule.',
    'rules.type': '`pre`, `post`, `session` or `sandbox`.',
    'rules.tool': 'The tool or tools it is about.',
    'rules.mode': '`enforce` or `observe`.',
    'contracts.id': 'Id of the rule.',
    'contracts.type': '`pre`, `post`, `session` or `sandbox`.',
    'contracts.tool': 'The tool or tools it is about.',
    'contracts.mode': '`enforce` or `observe`.',
    id: 'Id of the approval.',
    approval_id: 'Id of the approval.',
    agent_id: 'Name of the agent.',
    tool_name: 'Name of the tool, as the agent calls it.',
    tool_args: 'What the tool would be called with; shown to who decides.',
    message: 'What the person is asked.',
    timeout_effect: 'As `timeout_action`, in the words of contracts.',
    rule_name: 'The rule that asks.',
    session_id: "The agent's own name for what the call belongs to.",
    decided_by: 'Who decided.',
    decided_at: 'When.',
    decision_reason: 'Why, as they said.',
    created_at: 'When it was asked for.',
    total_scanned: 'How many skills were looked at.',
    violations: 'What was found, by skill.',
  },
  operations: {
    'GET /v1/rulesets/:name/current': {
      notes:
        '404 when nothing of that name is in force in the environment. The bytes of a version never change; with the signing key only the signature does.',
      headers: [agentHeader],
    },
    'GET /v1/stream': {
      notes:
        'Stays open; comments keep it alive. `contract_update` carries the document, or for a large one only its name with `_assignment_changed`. A stream that names no bundle is told of every bundle in force by `ruleset_updated`.',
      headers: [agentHeader],
    },
    'POST /v1/events': { notes: 'Answers once the events are on disk.', headers: [agentHeader] },
    'POST /v1/approvals': {
      notes: '60 a minute for each key and agent. A person decides in the inbox, as of any other approval.',
      headers: [agentHeader],
    },
    'GET /v1/approvals/:approval_id': { notes: 'Clients ask every two seconds.', headers: [agentHeader] },
    'GET /v1/sessions/:key': { notes: '404 means that there is no value.' },
    'PUT /v1/sessions/:key': { notes: 'Overwrites what is there.' },
    'DELETE /v1/sessions/:key': { notes: 'Answered alike whether there was one or not.' },
    'POST /v1/sessions/:key/increment': {
      notes: '409 when the value is no number. Exact however many agents add at once.',
    },
    'POST /v1/sessions/batch': { notes: 'One round trip for what would be many.' },
    'POST /v1/skill-scan': { notes: 'Shown by `GET /api/v1/skill-scans`.' },
    'GET /v1/health': { notes: 'No credentials are needed.' },
  },
}
