/** Where a tenant lets things come from that begin its workflows; `*` for all that it names no other for. */
export interface StimulusSourceRow {
  tenant_id: string
  source: string
  workflow: string | null
  router_agent: string | null
  /** How its webhooks are signed. */
  signature: string
  /** JSON of the secret and of where it belongs, sealed. */
  secret_sealed: Uint8Array | null
  created_by: string
  created_at: number
  updated_at: number
}

/** Something that came. */
export interface StimulusRow {
  id: string
  tenant_id: string
  source: string
  content: string
  /** `utf8` or `base64`. */
  encoding: string
  /** JSON object of texts. */
  headers: string
  idempotency_key: string | null
  /** Who is told as having begun what it begins. */
  received_from: string
  status: string
  routing_mode: string | null
  confidence: number | null
  workflow_id: string | null
  workflow_name: string | null
  run_id: string | null
  /** Why it began nothing. */
  reason: string | null
  /** The server that finds its way, and since when. */
  owner: string
  taken_at: number
  received_at: number
  last_event_at: number
}

/** Something that is started by the clock. */
export interface ScheduleRow {
  id: string
  tenant_id: string
  /** `agent:` and the agent's name where its manifest says it. */
  name: string
  /** `workflow` or `agent`. */
  kind: string
  /** Id or name. */
  target: string
  /** JSON: a pattern with its zone, or seconds. */
  timing: string
  /** `once` or `skip`. */
  missed: string
  /** JSON; `null` for what says when it was due. */
  input: string
  intent: string | null
  enabled: number
  /** The agent whose manifest says it. */
  agent_id: string | null
  /** When it is due next; null: never. */
  next_at: number | null
  last_due_at: number | null
  last_run_id: string | null
  /** Why the last one was not started. */
  last_error: string | null
  /** How many were started. */
  started: number
  created_by: string
  created_at: number
  updated_at: number
}
