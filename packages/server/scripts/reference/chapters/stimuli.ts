import type { Chapter } from '../chapter.ts'

const key = {
  name: 'Idempotency-Key',
  description:
    'What tells two deliveries of one thing from two things, for 24 hours and this source. `X-Idempotency-Key`, `Webhook-Id` and `X-GitHub-Delivery` are read alike.',
}
const began = {
  answers: { location: 'Where the run that it began tells what happens.' },
  emits: ['stimulus_received', 'stimulus_classified', 'stimulus_rejected', 'stimulus_classification_failed'],
}

export const stimuli: Chapter = {
  tag: 'stimuli',
  description:
    'What comes from outside and begins workflows: sent by the API or as a signed webhook. What is answered with 202 is recorded together with the run that it began.',
  fields: {
    id: 'Id of the stimulus.',
    stimulus_id: 'The same id.',
    stimulus: 'The same once more, as other clients read it.',
    source:
      'Name of the source, in lower case; `http_api` where the body names none. `*` says what every source begins that has no other way.',
    content: 'What came: a text. What is sent otherwise is kept as JSON.',
    content_encoding: '`utf8`; `base64` where a webhook was no UTF-8.',
    headers: 'What was sent with it, without what lets somebody in and what names a tenant.',
    idempotency_key: 'What tells two deliveries of one thing from two things: 1 to 255 printable ASCII characters.',
    classification: 'Name of the workflow that it began; null where it began none.',
    status:
      '`classified`: it began a workflow. `received`: a router is asked. `rejected`, `classification_failed`: it began nothing. Of a source `deleted`.',
    workflow_id: 'Id of the workflow that it began.',
    workflow_execution_id: 'Id of the run that it began.',
    confidence: 'How sure the choice was, from 0 to 1.',
    routing_mode: '`Deterministic`: the source names the workflow. `LlmClassified`: an agent chose it.',
    rejection_reason: 'Why it was rejected.',
    classification_error: 'Why no workflow was found for it.',
    tenant_id: 'Id of the tenant it belongs to.',
    received_at: 'When it came.',
    created_at: 'When it came; of a source, when it was registered.',
    last_event_at: 'When something became of it last.',
    updated_at: 'When the source was changed last.',
    created_by: 'Who registered it first.',
    workflow: 'Name or id of the workflow that is begun.',
    router_agent:
      'Name or id of the agent that chooses a workflow where none is named, within 30 s. It reads `stimulus_content` and `workflows` and answers `{"workflow": …, "confidence": 0 to 1}`.',
    signature:
      'How webhooks are signed. `aegis`: `X-Aegis-Signature: sha256=` and the HMAC-SHA256 of the body in hex (`X-Hub-Signature-256` is the same). `stripe`: `Stripe-Signature` over instant and body, good for 300 s; the usual one of the source `stripe`.',
    secret:
      'What webhooks are signed with: at least 8 characters. Left out, the one there is stays. It is never shown.',
    has_secret: 'Whether it has a secret.',
    limit: 'At most so many; 500 where it is more.',
    offset: 'How many to leave out.',
    stimuli: 'What came, newest first.',
    sources: 'The sources, by name.',
    items: 'The same list, under the name that other clients read.',
    count: 'How many there are.',
    success: 'Always true.',
  },
  operations: {
    'POST /v1/stimuli': {
      ...began,
      headers: [key],
      notes:
        'Begins the workflow of its source, with the input `stimulus_content`, `stimulus_source`, `stimulus_id`, `headers` and, where the content is JSON, `payload`. At most 1 MiB. 409 `idempotent_duplicate` with `original_stimulus_id` for one that came before. 422 where nothing was begun: `no_router_configured`, `classification_failed` (below 0.7), `router_agent_failed`, `classification_parse_error`, `unknown_workflow`, `workflow_error`; it is recorded all the same, and keeps its key.',
    },
    'GET /v1/stimuli': { notes: 'They are kept for 90 days.' },
    'GET /v1/stimuli/:id': {},
    'POST /v1/stimuli/sources': {},
    'GET /v1/stimuli/sources': {},
    'DELETE /v1/stimuli/sources/:source': {},
    'POST /v1/webhooks/:source': {
      ...began,
      body: { type: 'application/json', schema: { description: 'Anything, of any type; at most 1 MiB.' } },
      headers: [
        {
          name: 'X-Aegis-Signature',
          description: '`sha256=` and the HMAC-SHA256 of the body in hex, under the secret of the source.',
        },
        { name: 'Stripe-Signature', description: 'Of a source that Stripe signs: `t=…,v1=…`.' },
        key,
      ],
      notes:
        'As `POST /v1/stimuli`. It belongs to the tenant whose secret the signature was made with, whatever headers say. Without a signature a bearer with `stimulus:ingest` counts. 401 `missing_signature`, `secret_not_found`, `invalid_signature`, `timestamp_outside_tolerance`; 400 `malformed_signature`, `invalid_hex`; 404 `unregistered_webhook_source`; 409 `ambiguous_webhook_route` where several tenants have one secret. An event of Stripe is known by its `id`.',
    },
  },
}
