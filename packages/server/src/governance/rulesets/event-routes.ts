import Type, { type Static } from 'typebox'
import { failures, Maybe } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { type KeyCaller, keyOf } from '../../identity/caller.ts'

export const LARGEST_BATCH = 10_000

const RulesetEvent = Type.Unsafe<unknown>({
  description:
    'An audit event, flat. `tool_name`, `action` (or `decision`) and `timestamp` are required; what is said beside them is its payload.',
  properties: {
    call_id: { description: 'Text; empty or absent where there is no call.' },
    agent_id: { description: 'Text; absent, it is who sends.' },
    tool_name: { description: 'Text.' },
    action: {
      description:
        'Text. `call_blocked`, `call_would_block`, `call_asked` and `call_approval_blocked` are stored as `call_denied`, `call_would_deny`, `call_approval_requested` and `call_approval_denied`.',
    },
    mode: { description: 'Text: `enforce` or `observe`; absent, it is `enforce`.' },
    timestamp: { description: 'ISO 8601, or seconds or milliseconds since the epoch.' },
  },
  examples: [
    {
      call_id: '5b0c7b1e-8f0e-4f0e-9a0e-0d8f5f2c1a11',
      agent_id: 'research-agent',
      tool_name: 'read_file',
      action: 'call_blocked',
      mode: 'enforce',
      timestamp: '2026-03-01T12:00:00Z',
      tool_args: { path: '.env' },
      decision_name: 'no-secrets',
    },
  ],
})

const Rule = Type.Object({
  id: Type.String(),
  type: Type.String(),
  tool: Type.Union([Type.String(), Type.Array(Type.String())]),
  mode: Type.String(),
})

export const BatchAnswer = Type.Object({
  accepted: Type.Integer(),
  duplicates: Type.Integer(),
  rejected: Type.Optional(
    Type.Array(Type.Object({ index: Type.Integer(), detail: Type.String() }), {
      description: 'Present when there are any.',
    }),
  ),
})

interface Outcome {
  readonly accepted: number
  readonly duplicates: number
  readonly rejected: readonly { readonly index: number; readonly detail: string }[]
}

/** Stores what an agent reports. */
interface Ingest {
  ingest(
    caller: KeyCaller,
    batch: {
      readonly events: readonly unknown[]
      readonly reads: 'rulesets'
      readonly manifest: {
        readonly agent_id: string
        readonly policy_version: string
        readonly contracts: readonly Static<typeof Rule>[]
      } | null
    },
  ): Promise<Outcome>
}

export const wireOutcome = ({ accepted, duplicates, rejected }: Outcome) =>
  rejected.length > 0 ? { accepted, duplicates, rejected: [...rejected] } : { accepted, duplicates }

/** The door of the later SDKs to the audit log (rulesets). */
export function rulesetEventRoutes(scope: App, { ingest }: { ingest: Ingest }): void {
  scope.post(
    '/v1/events',
    {
      config: { access: 'agent', scope: 'environment' },
      schema: {
        tags: ['rulesets'],
        summary: 'Report audit events of an agent that reads rulesets',
        description:
          'As `POST /api/v1/events`: a malformed event is named in `rejected`, the others are stored. A batch of which no event can be stored is accepted as well, because these clients drop or repeat a refused batch whole.',
        body: Type.Object({
          events: Type.Array(RulesetEvent, { maxItems: LARGEST_BATCH }),
          agent_manifest: Maybe(
            Type.Object({
              agent_id: Type.String(),
              policy_version: Type.String(),
              rules: Maybe(Type.Array(Rule)),
              contracts: Maybe(Type.Array(Rule)),
            }),
          ),
        }),
        response: { 200: BatchAnswer, ...failures(401, 413, 422, 429, 503) },
      },
    },
    async (request) => {
      const { events, agent_manifest: sent } = request.body
      return wireOutcome(
        await ingest.ingest(keyOf(request), {
          events,
          reads: 'rulesets',
          manifest: sent
            ? {
                agent_id: sent.agent_id,
                policy_version: sent.policy_version,
                contracts: sent.rules ?? sent.contracts ?? [],
              }
            : null,
        }),
      )
    },
  )
}
