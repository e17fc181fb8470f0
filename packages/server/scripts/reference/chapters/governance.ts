import { LONGEST_AGENT_ID } from '../../../src/governance/fleet/registrations.ts'
import type { Chapter } from '../chapter.ts'
import { once } from '../headers.ts'

const agentHeader = {
  name: 'X-Edictum-Agent-Id',
  description: `Which agent calls, at most ${LONGEST_AGENT_ID} characters. Absent: the key stands for the agent.`,
}
const replayFrom = {
  name: 'Last-Event-ID',
  description: 'Id of the last event that was seen: what came since is sent first, from a log kept for 24 hours.',
}

export const events: Chapter = {
  tag: 'events',
  description: 'The audit log: what agents did, and what was decided of it.',
  fields: {
    agent_id: `Name of the agent, at most ${LONGEST_AGENT_ID} characters.`,
    'agent_manifest.agent_id': `Name of the agent, at most ${LONGEST_AGENT_ID} characters.`,
    call_id: 'Id of the tool call, as the agent made it; the stages of one call share it.',
    tool_name: 'Name of the tool, as the agent calls it.',
    id: 'Id of the event: the same when it is delivered again.',
    event_id: 'Id of the event.',
    payload_bytes: 'Size of the whole payload as JSON.',
    payload_shortened: 'Whether large values stand as their beginnings.',
    verdict: 'What was decided, for example `call_allowed`, `call_denied`, `call_executed`.',
    mode: '`enforce` or `observe`.',
    created_at: 'When the event came in.',
    events: 'The batch: 1 to 10,000 events.',
    agent_manifest: 'What the agent itself says it runs; coverage shows contracts of its own as `local`.',
    'agent_manifest.contracts': 'The contracts the agent has loaded.',
    'agent_manifest.policy_version': 'Revision hash of the bundle that the agent runs.',
    'contracts.id': 'Id of the contract.',
    'contracts.type': 'Its type, for example `pre`.',
    'contracts.tool': 'The tool it names, or several.',
    'contracts.mode': '`enforce` or `observe`.',
    accepted: 'Events stored now.',
    duplicates: 'Events that had been stored before.',
    'rejected.index': 'Place of the event in the batch, from 0.',
    'rejected.detail': 'What is wrong with it, beginning with the field.',
    cursor: 'From `X-Next-Cursor` of the page before.',
    limit: 'How many to answer with at most, 1 to 1,000.',
    since: 'Begin, inclusive: ISO 8601, or seconds or milliseconds since the epoch.',
    until:
      'End: ISO 8601, or seconds or milliseconds since the epoch. Inclusive in the list, exclusive in the histogram.',
    bucket_seconds: 'Width of a bucket in seconds, a minute to a day.',
    bucket_start: 'Begin of the bucket.',
    'values.count': 'Events with this value, of those that the other filters leave.',
    facets: 'By name of the filter.',
    'facets.agent_id': 'By agent.',
    'facets.tool_name': 'By tool.',
    'facets.verdict': 'By verdict.',
    'facets.mode': 'By mode.',
    'facets.contract': 'By the contract that decided.',
    'facets.env': 'By environment.',
    'facets.policy_version': 'By the revision that the agent said it ran.',
    allowed: 'Calls that were allowed.',
    denied: 'Calls that were denied.',
    pending: 'Calls that waited for a person.',
    observed: 'Calls that a contract in observe mode would have denied.',
  },
  operations: {
    'POST /api/v1/events': {
      notes:
        'Registers agents that were not known. 10,000 batches a tenant in a minute, then 429; 503 while more waits to be stored than memory allows. 422 when no event of the batch is valid.',
      emits: ['event_created', 'assignment_changed'],
      headers: [agentHeader],
    },
    'GET /api/v1/events': {
      notes: 'All filters are joined by and.',
      answers: {
        'X-Next-Cursor': 'Present where there may be more: `cursor` of the next page.',
        'X-Next-Seq': 'With `after_seq`: `after_seq` of the next page.',
        'X-Has-More': 'With `after_seq`: `true` where there may be more already.',
      },
    },
    'GET /api/v1/events/:event_id': { notes: 'An API key sees events of its environment.' },
    'GET /api/v1/events/export': {
      notes:
        'Signs how far the chain goes, then streams: however large the log is, a few events are in memory. An export without its last line was cut off.',
    },
    'GET /api/v1/events/facets': {
      notes: 'An empty `value` stands for events that have none. At most 500 values a facet.',
    },
    'GET /api/v1/events/histogram': { notes: 'For charts: counted in the database, whatever the number of events.' },
  },
}

export const approvals: Chapter = {
  tag: 'approvals',
  description: 'Tool calls that wait for a person. Of console, chat, API and time-out exactly one decides.',
  fields: {
    code: 'Stable code of the kind of problem.',
    detail: 'What is wrong: a text, or one object for each problem.',
    'detail.loc':
      'Where: `body`, `query`, `path` or `header`, then the way to the field; positions in lists count from 0.',
    'detail.msg': 'What is wrong there, in a sentence.',
    env: 'Environment: `production`, `staging` or `development`.',
    id: 'Id: a UUID, given by the server.',
    offset: 'How many to skip, from the newest.',
    tool_args: 'Arguments of the call, by name; null where none were sent.',
    tool_name: 'Name of the tool, as the agent calls it.',
    approval_id: 'Id of the approval.',
    status: '`pending`, `approved`, `denied`, `timeout` or `withdrawn`.',
    agent_id: 'The agent that waits.',
    message: 'What the person is asked, at most 10,000 characters.',
    timeout_seconds: 'How long it waits, in seconds.',
    timeout: 'How long to wait for a person, in seconds: a second to 30 days.',
    action_digest:
      'SHA-256 of the action that is asked for, in hex; null where the agent did not bind the approval to one.',
    receipt: 'That a person decided about exactly this action, signed; null before, and without `action_digest`.',
    'receipt.approval_id': 'Id of the approval.',
    'receipt.decision': '`approved` or `denied`.',
    'receipt.public_key': 'Key of the tenant that signed, in hex.',
    'receipt.signature': 'Signature, in hex.',
    consumed_at: 'When the one call was begun; null while it was not.',
    asker_seen_at: 'When whoever asked was last heard asking; null where it never was.',
    timeout_effect: 'What happens when nobody decides in time: `deny` or `allow`.',
    decision_source: 'What kind of rule asks; null where the agent did not say.',
    contract_name: 'The contract that asks; null where the agent did not say.',
    decided_by: 'Who decided; null while nobody has, and after a time-out.',
    decided_at: 'When it was decided; null while it is not, and after a time-out.',
    decision_reason: 'What the person wrote to it; null where nothing.',
    decided_via:
      'Where it was decided: `console`, `cli`, `telegram`, `slack`, `discord`, `api`; `system` after a time-out.',
    approved: 'True allows the call, false denies it.',
    reason: 'What the agent is told, at most 2,000 characters.',
    limit: 'How many to answer with at most, 1 to 1,000.',
  },
  operations: {
    'POST /api/v1/approvals': {
      notes:
        'Tells the notification channels whose filters match. Ten requests an agent and 600 a key in a minute, and 200 of a key that wait at once, then 429.',
      emits: ['approval_created'],
      headers: [agentHeader, once],
    },
    'GET /api/v1/approvals': {},
    'GET /api/v1/approvals/:approval_id': {
      notes:
        'An API key sees approvals of its environment. A wait that ends without a decision is answered with the pending approval.',
    },
    'POST /api/v1/approvals/:approval_id/consume': {
      notes: 'Sent before the call runs, so that one approval lets one call run. Of many at once one succeeds.',
      headers: [once],
    },
    'PUT /api/v1/approvals/:approval_id': {
      notes:
        'The waiting agent hears of it by stream or by its wait; messages in chats are changed. An approval that is not there, or was decided before, is 409.',
      emits: ['approval_decided'],
    },
  },
}

export const sessions: Chapter = {
  tag: 'sessions',
  description:
    'Values and counters that agents share. They belong to the tenant: keys of all its environments share them.',
  fields: {
    value: 'The value; of a counter its number. Kept for seven days after the last write, at most 1 MiB.',
    values: 'Values by key; null where there is none.',
    keys: 'Keys to read, at most 100.',
    session: 'Name of the session.',
    tool: 'Name of the tool.',
    bounds: 'Bounds of the session; what is left out is not bounded.',
    max_attempts: 'Refuses the attempt of this number.',
    max_tool_calls: 'Executions of the session.',
    max_calls_per_tool: 'Executions of this tool.',
    count_attempt: 'Whether an attempt is counted in the same step.',
    lease: 'Names the reserved execution.',
    expires_in_seconds: 'For how long it reserves.',
    exceeded: 'The bound that leaves no room.',
    'exceeded.bound': 'Its name.',
    'exceeded.limit': 'What it allows.',
    counts: 'The counters of the session.',
    attempts: 'Attempts.',
    executions: 'Executions that ended.',
    tool_executions: 'Executions of this tool that ended.',
    consecutive_failures: 'Failures since the last success.',
    outcome: '`success`, `failure` or `not_run`.',
    settled: 'Whether this request ended it.',
    amount: 'What to add; may be negative or a fraction.',
  },
  operations: {
    'GET /api/v1/sessions/:key': { notes: '404 means that there is no value.' },
    'PUT /api/v1/sessions/:key': { notes: 'Overwrites what is there.' },
    'DELETE /api/v1/sessions/:key': { notes: 'Answered alike whether there was one or not.' },
    'POST /api/v1/sessions/:key/increment': {
      notes: '409 when the value is no number. Exact however many agents add at once.',
      headers: [once],
    },
    'POST /api/v1/sessions/batch': { notes: 'One round trip for what would be many.' },
    'POST /api/v1/sessions/reserve': {
      notes:
        'Exact among clients that reserve, on however many servers. With `exceeded` there is no lease, and the call is not to run.',
    },
    'POST /api/v1/sessions/settle': {
      notes: 'A lease that was settled before, or is unknown, is answered with `settled: false`.',
    },
    'POST /api/v1/sessions/renew': { notes: '404 when it was settled or ran out.' },
  },
}

export const stream: Chapter = {
  tag: 'stream',
  description: 'Server-sent events: what changes, as it changes.',
  fields: {},
  operations: {
    'GET /api/v1/stream': {
      notes:
        'Stays open; comments keep it alive, and a client that leaves 4 MiB unread is disconnected. A stream counts as the agent being connected. 503 while the server drains.',
      headers: [agentHeader, replayFrom],
    },
    'GET /api/v1/stream/dashboard': {
      notes: 'Everything that changes in the tenant. Stays open; comments keep it alive. 503 while the server drains.',
      headers: [replayFrom],
    },
  },
}

export const assignment: Chapter = {
  tag: 'assignment',
  description:
    'Which agent runs which bundle: an explicit assignment, then rules by priority, then what the agent names itself.',
  fields: {
    rule_id: 'Id of the rule; null where no rule decides.',
    priority: 'The lowest is tried first; a tenant uses each priority once.',
    pattern:
      'Glob over agent ids, 1 to 200 printable ASCII characters without a slash: `*` is any text, `?` any character.',
    tag_match: 'Tags that an agent must have for the rule to match, by name; null: any.',
    bundle_name: 'The bundle that matching agents run.',
    env: 'Environment the rule is for; absent when resolving: rules of every environment are tried.',
    agent_id: 'Name of the agent; it need not be registered.',
    source: 'What decides: `explicit`, `rule`, `agent_provided` or `none`.',
    rule_pattern: 'Pattern of that rule; null where no rule decides.',
  },
  operations: {
    'GET /api/v1/assignment-rules': { notes: 'In the order in which they are tried.' },
    'POST /api/v1/assignment-rules': {
      emits: ['assignment_changed'],
      notes: 'Connected agents whose bundle changes by it are told at once.',
    },
    'PATCH /api/v1/assignment-rules/:rule_id': {
      emits: ['assignment_changed'],
      notes: 'Connected agents whose bundle changes by it are told at once.',
    },
    'DELETE /api/v1/assignment-rules/:rule_id': {
      emits: ['assignment_changed'],
      notes: 'Connected agents whose bundle changes by it are told at once.',
    },
    'GET /api/v1/assignment-rules/resolve/:agent_id': { notes: 'A dry run: nothing changes.' },
  },
}

export const notifications: Chapter = {
  tag: 'notifications',
  description:
    'Channels on which people are asked: Telegram, Slack, Discord, webhooks and mail, and what those platforms call.',
  fields: {
    channel_id: 'Id of the channel.',
    name: 'What people call the channel, 1 to 100 characters.',
    enabled: 'False: nothing is sent.',
    filters: 'Which approvals are told; null: all. Within a list one must match, and every list must.',
    environments: 'Only approvals of these environments; null: all.',
    agent_patterns: 'Only agents that match one of these globs; null: all.',
    contract_names: 'Only approvals that one of these contracts asks for; null: all.',
    last_test_at: 'When it was last tested; null: never.',
    last_test_ok: 'Whether that test succeeded; null: never tested.',
    success: 'Whether the message was taken.',
    message: 'What happened, in a sentence.',
  },
  operations: {
    'GET /api/v1/notifications/channels': { notes: 'Secrets are masked.' },
    'POST /api/v1/notifications/channels': {
      notes:
        'Secrets are sealed before they are stored. An address on a private network is refused unless the operator allows it.',
    },
    'PUT /api/v1/notifications/channels/:channel_id': {},
    'DELETE /api/v1/notifications/channels/:channel_id': { notes: 'What still waits to be sent on it is dropped.' },
    'POST /api/v1/notifications/channels/:channel_id/test': {
      notes: 'Sends one message now, also when the channel is disabled.',
    },
    'GET /api/v1/slack/manifest': {
      notes: 'Paste it at api.slack.com when making the app; it names the addresses of this server.',
    },
    'POST /api/v1/telegram/webhook/:channel_id': {
      notes:
        'Decides an approval, as the person who pressed. Updates that are no button press are answered 200 and ignored.',
      emits: ['approval_decided'],
      headers: [{ name: 'X-Telegram-Bot-Api-Secret-Token', description: 'The secret of the channel.' }],
      body: { type: 'application/json', schema: { type: 'object', description: 'An update of the Telegram Bot API.' } },
    },
    'POST /api/v1/slack/interactions': {
      notes: 'Decides an approval, as the person who pressed.',
      emits: ['approval_decided'],
      headers: [
        {
          name: 'X-Slack-Signature',
          description: '`v0=` and the HMAC-SHA256 of time and body, in hexadecimal digits.',
        },
        { name: 'X-Slack-Request-Timestamp', description: 'Seconds since the epoch; at most five minutes from now.' },
      ],
      body: {
        type: 'application/x-www-form-urlencoded',
        schema: { type: 'object', description: 'A form with the field `payload`: the interaction as JSON.' },
      },
    },
    'POST /api/v1/discord/interactions': {
      notes:
        'Decides an approval, as the person who pressed. Answers the `PING` that Discord sends when the address is set.',
      emits: ['approval_decided'],
      headers: [
        { name: 'X-Signature-Ed25519', description: 'Ed25519 signature over time and body, 128 hexadecimal digits.' },
        { name: 'X-Signature-Timestamp', description: 'Seconds since the epoch.' },
      ],
      body: { type: 'application/json', schema: { type: 'object', description: 'An interaction of the Discord API.' } },
    },
  },
}

export const assistant: Chapter = {
  tag: 'assistant',
  description: 'The assistant that writes contracts, with a model of the operator’s choice.',
  fields: {
    provider: '`anthropic`, `openai`, `openrouter` or `ollama`.',
    api_key: 'Key of the provider, at most 500 characters; sealed before it is stored.',
    api_key_masked: 'Its first and last characters; empty when there is none.',
    model: 'Name of the model; null or absent takes the default of the provider.',
    base_url: 'Another host that speaks the provider’s protocol; null: the provider’s own.',
    configured: 'Whether the assistant can be asked.',
    ok: 'Whether the model answered.',
    error: 'Why it did not; null where it did.',
    latency_ms: 'Milliseconds until its answer; null where there was none.',
    days: 'How many days back, 1 to 365.',
    total_input_tokens: 'Tokens the model read.',
    total_output_tokens: 'Tokens the model wrote.',
    total_cost_usd: 'What it cost, in US dollars; null where prices are not known.',
    query_count: 'Questions asked.',
    avg_tokens_per_second: 'Speed of writing, on average.',
    date: 'The day, in UTC.',
    input_tokens: 'Tokens the model read that day.',
    output_tokens: 'Tokens the model wrote that day.',
    cost_usd: 'What the day cost, in US dollars; null where prices are not known.',
    queries: 'Questions asked that day.',
    'messages.role': 'Who said it: `user` or `assistant`.',
    'messages.content': 'What was said, at most 10,000 characters.',
    name: 'Name of the contract.',
    type: 'Type of the contract.',
    definition_yaml: 'The contract, as YAML.',
    tags: 'Its tags.',
    description: 'The sentence.',
  },
  operations: {
    'GET /api/v1/settings/ai': {},
    'PUT /api/v1/settings/ai': { notes: 'Takes effect with the next question, on every node.' },
    'DELETE /api/v1/settings/ai': { notes: 'Answered alike when nothing was configured.' },
    'POST /api/v1/settings/ai/test': { notes: 'Answers 200 also when the model does not; `error` says why.' },
    'GET /api/v1/settings/ai/usage': { notes: 'As the providers counted.' },
    'POST /api/v1/contracts/generate-description': {
      notes: 'Nothing is kept but what it cost. 503 when the assistant is not configured or its provider fails.',
    },
    'POST /api/v1/contracts/assist': {
      notes:
        'The model may validate bundles and try calls against them on the way. Nothing is kept but what it cost. 503 when the assistant is not configured.',
    },
    'POST /api/ai/assist': { notes: 'The same as `POST /api/v1/contracts/assist`, for clients that know this path.' },
  },
}

export const settings: Chapter = {
  tag: 'settings',
  description: 'What only administrators do, to the tenant as a whole.',
  fields: {
    older_than_days: 'Events that came in longer ago are deleted, in days: 1 to 36,500.',
    deleted_count: 'Events deleted.',
    cutoff: 'Events that came in before this were deleted.',
    rotated_at: 'When the new key took over.',
  },
  operations: {
    'POST /api/v1/settings/rotate-signing-key': {
      notes: 'Agents that poll find the new key beside the new signature. In one transaction, on every node.',
      emits: ['signing_key_rotated', 'contract_update'],
    },
    'DELETE /api/v1/settings/purge-events': { notes: 'They cannot be brought back.' },
  },
}

export const statistics: Chapter = {
  tag: 'statistics',
  description: 'Numbers for the overview.',
  fields: {
    pending_approvals: 'Approvals that wait now.',
    total_agents: 'Agents ever registered.',
    events_24h: 'Events of the last 24 hours.',
    denials_24h: 'Of these, calls that were denied.',
    observe_findings_24h: 'Of these, calls that a contract in observe mode would have denied.',
    contracts_triggered_24h: 'Different contracts that fired in the last 24 hours.',
    coverage: 'By contract, most often first.',
    decision_name: 'The contract.',
    total_evaluations: 'Calls it is named in.',
    total_denials: 'Calls it denied.',
    total_warnings: 'Calls it warned of.',
    last_triggered: 'When it was last named.',
    total_events: 'Events in the time asked for.',
    period_start: 'Begin of the time asked for.',
    period_end: 'End of the time asked for.',
    since: 'Begin, inclusive: ISO 8601, or seconds or milliseconds since the epoch. Absent: 24 hours ago.',
    until: 'End, inclusive. Absent: now.',
  },
  operations: {
    'GET /api/v1/stats/overview': {},
    'GET /api/v1/stats/contracts': {},
  },
}
