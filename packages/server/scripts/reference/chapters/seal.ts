import type { Chapter } from '../chapter.ts'

const address = 'The secret of the address, which was given to an execution or, once, to a workload.'

export const seal: Chapter = {
  tag: 'seal',
  description:
    'SEAL: tool calls from outside, each signed by a key that was attested before. Failures carry the code of the protocol where clients of every generation look for it.',
  fields: {
    token: address,
    protocol: 'Always `seal/v1`.',
    status: '`success`; of a failure `error`; of a tool its own word.',
    error_code: 'Code of the protocol: 1000 envelope, 2000 policy, 3000 attestation; from 4000 what it leaves open.',
    message: 'What is wrong, in a sentence.',
    error: 'The same once more, with its instant.',
    'error.code': 'Code of the protocol.',
    'error.message': 'What is wrong, in a sentence.',
    'error.timestamp': 'When it was refused.',
    'error.request_id': '`id` of the call where it could be read, else of the request.',
    payload: 'As a JSON-RPC error, for MCP clients.',
    expires_at: 'When it ends.',
    session_id: 'Id of the session; also `jti` of its token.',
    attestation_endpoint: 'Where keys are attested.',
    invoke_endpoint: 'Where signed calls go.',
    security_context: 'Name of the security context.',
    security_context_name: 'The same, under the name of another dialect.',
    tools: 'The tools.',
    name: 'Name of the tool.',
    description: 'What it does.',
    inputSchema: 'JSON Schema of the arguments.',
    input_schema: 'The same, in the other spelling.',
    keys: 'The keys, newest first.',
    saved: 'Always true.',
    execution_id: 'Id of the execution that the session is of; a session of its own has one too.',
    agent_id: 'Id of the agent.',
    security_token: 'The JWT that stands in every envelope. Told this once.',
    session_status: '`Active`, `Expired` or `Revoked`.',
    public_key_b64: 'The Ed25519 key, base64 of its 32 bytes.',
    allowed_tool_patterns:
      'What of the tools the session was given, before its context is asked: `*`, a name, or one `*` in it.',
    revoked_reason: 'Why it was revoked; null otherwise.',
    workload_id: 'Name of the workload; null of a session without one.',
    tenant_id: 'Id of the tenant it belongs to.',
    created_at: 'When it began.',
    revoked_at: 'When it was revoked.',
    workloads: 'The workloads.',
    items: 'The same list, under the name that other clients read.',
    count: 'How many there are.',
    allowed_contexts: 'Names of the security contexts that it may attest under.',
    kid: 'Names the key: `kid` in the header of every token that it signed.',
    algorithm: '`RS256` or `EdDSA`.',
    verifies_until: 'Until when it verifies; null of the one that signs.',
  },
  operations: {
    'POST /v1/seal/attest': {
      notes:
        'A session lives an hour; another attestation makes another. One that rests on the same proof (address, or account and execution) ends the former, `superseded`. 60 attestations a minute of one holder.',
    },
    'POST /x/:token/v1/seal/attest': {
      notes:
        'The context must be the one of the execution, or among those of the workload. A bearer, where there is one, is judged instead.',
    },
    'POST /v1/seal/invoke': {
      notes:
        'Checks, in this order: the envelope, its session, its age (30 s both ways), its signature, its token, whether it was seen before; then the tools of the session, its security context, limits, the contracts that are assigned to the agent. A command is not run here but answered with `dispatch_required`. A tool that ran and failed is 200 with `payload.error`.',
    },
    'POST /x/:token/v1/seal/invoke': { notes: 'The envelope is judged by itself; the address adds nothing.' },
    'POST /v1/invoke': { notes: 'For clients of gateways that have it there.' },
    'GET /v1/seal/tools': { notes: 'Contexts of a tenant are known to its bearers, and at its addresses.' },
    'GET /x/:token/v1/seal/tools': {},
    'GET /v1/seal/keys': {
      notes: 'A key that is no longer the newest stays in the list for another day, and goes on verifying.',
    },
    'POST /v1/seal/keys/rotate': { notes: 'Needs an administrator, or a token of an operator.' },
    'DELETE /v1/seal/keys/:kid': { notes: 'Needs an administrator, or a token of an operator.' },
    'POST /v1/seal/sessions': {
      notes:
        'For who makes the key pair itself and hands it to a program. Needs an administrator, or a token of an operator.',
    },
    'GET /v1/seal/sessions': { notes: 'Without tokens. Needs an administrator, or a token of an operator.' },
    'GET /v1/seal/sessions/:execution_id': { notes: 'Also one that has ended, for 30 days.' },
    'DELETE /v1/seal/sessions/:execution_id': {
      notes: 'The next call that is signed under them is refused, on every server.',
    },
    'POST /v1/seal/workloads': {
      notes: 'The files of a workload stay with it over its sessions, and are on the server that it calls.',
    },
    'GET /v1/seal/workloads': { notes: 'Without addresses.' },
    'DELETE /v1/seal/workloads/:workload_id': {},
  },
}

export const securityContexts: Chapter = {
  tag: 'security-contexts',
  description:
    'Which tools an execution or a session can have at all, and within what bounds; what the contracts then decide comes after. Needs an administrator, or a token of an operator.',
  fields: {
    name: 'Name of the context: lower-case letters, digits and hyphens. `aegis-system-` and `zaru-` belong to the platform, `tenant-<short name>-` to that tenant.',
    description: 'What it is for.',
    is_built_in: 'True of those that every deployment has; they cannot be changed.',
    metadata: 'Its version, and when it was made and changed.',
    'metadata.created_at': 'When it was made; null of a built-in one.',
    'metadata.updated_at': 'When it was changed last; null of a built-in one.',
    saved: 'Always true.',
    version: 'Counts the changes, from 1.',
    status: '`deleted`.',
  },
  operations: {
    'POST /v1/security-contexts': {
      notes:
        'A capability has a `tool_pattern` (`*`, `prefix.*`, a name) and may have `path_allowlist`, `command_allowlist`, `subcommand_allowlist`, `domain_allowlist`, `rate_limit {calls, per_seconds}`, `max_response_size` (bytes) and `max_concurrent`. Absent or null: no bound of that kind; an empty list: nothing. The first capability whose pattern and bounds hold allows the call; `deny_list` wins over all. What is not known is refused.',
    },
    'GET /v1/security-contexts': {},
    'GET /v1/security-contexts/:name': {},
    'DELETE /v1/security-contexts/:name': {},
  },
}

const incidents = { notes: 'Refusals of the last calls, of executions and of SEAL, and sessions that were revoked.' }

export const observability: Chapter = {
  tag: 'observability',
  description: 'What people who look after security should see.',
  fields: {
    incidents: 'The incidents.',
    items: 'The same list, under the name that other clients read.',
    count: 'How many there are.',
    follow: '`false` ends the stream after what there is.',
    limit: 'How many at most: 100 without it, never more than 500.',
    id: 'Id of the incident.',
    category: '`policy_violation_blocked`, `seal_policy_violation_blocked` or `seal_session_revoked`.',
    severity: '`high` or `medium`.',
    agent_id: 'The agent; null where there is none.',
    execution_id: 'The execution; null where there is none.',
    session_id: 'The session of SEAL; null where there is none.',
    tool_name: 'The tool that was called; null where none was.',
    details: 'The kind of violation and what it was, or why the session ended.',
    created_at: 'When it happened.',
    occurred_at: 'When it happened.',
  },
  operations: {
    'GET /v1/security/incidents': incidents,
    'GET /v1/observability/security-incidents': incidents,
    'GET /v1/observability/events': {
      notes: 'Needs an administrator, or a token of an operator.',
      headers: [
        { name: 'Last-Event-ID', description: 'Id of the last event that was seen: only what came since is sent.' },
      ],
    },
  },
}
