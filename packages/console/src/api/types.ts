import type { paths } from './schema'

/** What the server answers, drawn from its OpenAPI document (`npm run api`). Wire names stay snake_case; the console reads them as they are. */
export type Answer<
  Path extends keyof paths,
  Method extends keyof paths[Path],
  Status extends number = 200,
> = paths[Path][Method] extends {
  responses: Record<Status, { content: { 'application/json': infer Body } }>
}
  ? Body
  : never
/** What a list holds. */
export type Element<List> = List extends readonly (infer Item)[] ? Item : never

export type Environment = 'production' | 'staging' | 'development'
export const ENVIRONMENTS: readonly Environment[] = ['production', 'staging', 'development']

/** ISO 8601, UTC. */
export type Timestamp = string

export type Health = Answer<'/api/v1/health', 'get'>

export type Me = Answer<'/api/v1/auth/me', 'get'>

export type SignInOffers = Answer<'/api/v1/auth/sso', 'get'>

export type HeldInvitation = Answer<'/api/v1/auth/invitation', 'post'>

export type ApiKey = Omit<Element<Answer<'/api/v1/keys', 'get'>>, 'env'> & { readonly env: Environment }

/** The answer to creating a key; the only time the whole key is seen. */
export type CreatedKey = ApiKey & Pick<Answer<'/api/v1/keys', 'post', 201>, 'key'>

export type BundleSummary = Element<Answer<'/api/v1/bundles', 'get'>>

export type Bundle = Answer<'/api/v1/bundles/{name}/{version}', 'get'>

/** The answer to an upload: the bundle, and what to know before deploying it. */
export type UploadedBundle = Answer<'/api/v1/bundles', 'post', 201>

export type BundleVersion = Element<Answer<'/api/v1/bundles/{name}', 'get'>>

export type Deployment = Element<Answer<'/api/v1/deployments', 'get'>>

/** Which agents run a deployed version. */
export type Rollout = Answer<'/api/v1/deployments/{id}/rollout', 'get'>

/** Recorded calls, judged again by another version. */
export type Replay = Answer<'/api/v1/bundles/{name}/{version}/replay', 'post'>

/** What is known of an agent, connected or not. */
export type Registration = Element<Answer<'/api/v1/agent-registrations', 'get'>>

export type AssignmentRule = Element<Answer<'/api/v1/assignment-rules', 'get'>>

/** Which bundle an agent would run, and why. */
export type Resolution = Answer<'/api/v1/assignment-rules/resolve/{agent_id}', 'get'>

export type FleetCoverage = Answer<'/api/v1/agents/fleet-coverage', 'get'>

export type AgentCoverage = Answer<'/api/v1/agents/{agent_id}/coverage', 'get'>

export type AgentHistory = Answer<'/api/v1/agents/{agent_id}/history', 'get'>

export type EventFacets = Answer<'/api/v1/events/facets', 'get'>

export type Evaluation = Answer<'/api/v1/bundles/evaluate', 'post'>

/** What the agent's SDK sent about a call; read it with `payloadText`. */
export type EventPayload = Readonly<Record<string, unknown>>

export type AuditEvent = Omit<Element<Answer<'/api/v1/events', 'get'>>, 'payload'> & {
  readonly payload: EventPayload | null
}

export type Approval = Element<Answer<'/api/v1/approvals', 'get'>>
export type ApprovalStatus = Approval['status']

/** How an approval ended before somebody else decided it. */
export interface EarlierDecision {
  readonly status: Exclude<ApprovalStatus, 'pending'>
  readonly decided_by: string | null
}

export type AgentConnection = Element<Answer<'/api/v1/agents/status', 'get'>['agents']>

export type StatsOverview = Answer<'/api/v1/stats/overview', 'get'>

export type HistogramBucket = Element<Answer<'/api/v1/events/histogram', 'get'>>

/** One entry of a 422; the bundle loader adds where in the text it was. */
export interface Problem {
  readonly loc: readonly (string | number)[]
  readonly msg: string
  /** Inside the document, for example `contracts[3].when`. */
  readonly path?: string
  readonly line?: number | null
  readonly column?: number | null
  readonly hint?: string | null
}

/** What the dashboard stream carries. */
export type LiveEvent =
  | { readonly type: 'contract_update'; readonly bundle_name: string; readonly version: number }
  | {
      readonly type: 'bundle_uploaded'
      readonly bundle_name: string
      readonly version: number
      readonly uploaded_by: string
    }
  | {
      readonly type: 'bundle_deployed'
      readonly bundle_name: string
      readonly version: number
      readonly env: string
      readonly deployed_by: string
    }
  | { readonly type: 'composition_changed'; readonly composition_name: string }
  | { readonly type: 'contract_created' | 'contract_updated'; readonly contract_id: string }
  | {
      readonly type: 'approval_created'
      readonly approval_id: string
      readonly agent_id: string
      readonly tool_name: string
      readonly message: string
    }
  | {
      readonly type: 'approval_decided'
      readonly approval_id: string
      readonly status: string
      readonly decided_by: string
    }
  | {
      readonly type: 'approval_timeout'
      readonly approval_id: string
      readonly agent_id: string
      readonly tool_name: string
    }
  | { readonly type: 'assignment_changed'; readonly agent_id?: string; readonly bundle_name?: string | null }
  /** Of many in a row few are passed on. */
  | { readonly type: 'event_created' }
  | { readonly type: 'api_key_created' | 'api_key_revoked'; readonly key_id: string }
  | { readonly type: 'signing_key_rotated'; readonly public_key: string }

export type LiveEventType = LiveEvent['type']
export const LIVE_EVENT_TYPES: readonly LiveEventType[] = [
  'contract_update',
  'bundle_uploaded',
  'bundle_deployed',
  'composition_changed',
  'contract_created',
  'contract_updated',
  'approval_created',
  'approval_decided',
  'approval_timeout',
  'assignment_changed',
  'event_created',
  'api_key_created',
  'api_key_revoked',
  'signing_key_rotated',
]
