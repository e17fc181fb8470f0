import Type from 'typebox'
import { failures, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toolName, YamlContent } from '../fields.ts'
import { withAgentJson } from '../json-body.ts'
import type { Evaluate, Evaluation } from './evaluate.ts'

const POLICY_VERSION_DIGITS = 12

const Text = Type.String({ maxLength: 255 })

const EvaluationBody = Type.Object({
  verdict: Type.String({ description: 'deny when a contract fired that is not in observe mode, else allow.' }),
  mode: Type.String({ description: "The bundle's default mode." }),
  contracts_evaluated: Type.Array(
    Type.Object({
      id: Type.String(),
      type: Type.String({ examples: ['precondition', 'sandbox'] }),
      matched: Type.Boolean({ description: 'False means that the contract fired.' }),
      effect: Type.String(),
      message: Nullable(Type.String()),
      observed: Type.Boolean({ description: 'It fired in observe mode, and so decides nothing.' }),
      tags: Type.Array(Type.String(), { description: 'Words by which it can be found.' }),
      policy_error: Type.Boolean({ description: 'It could not be judged, and so fired.' }),
    }),
  ),
  deciding_contract: Nullable(Type.String()),
  policy_version: Type.String({ description: 'First 12 hex digits of the SHA-256 of the text.' }),
  evaluation_time_ms: Type.Number(),
  decision: Type.Object(
    {
      action: Type.Enum(['allow', 'deny', 'pending_approval']),
      contract: Nullable(Type.String()),
      source: Nullable(Type.String()),
      reason: Nullable(Type.String()),
    },
    { description: 'What a guard would do with the call as the first of its session.' },
  ),
  semantics: Type.Object(
    {
      kind: Type.String(),
      description: Type.String(),
      postconditions_skipped: Type.Integer(),
      session_contracts_skipped: Type.Integer(),
    },
    { description: 'How the call was judged.' },
  ),
})

/** The playground. */
export function evaluateRoutes(app: App, { evaluate }: { evaluate: Evaluate }): void {
  withAgentJson(app, (scope) => {
    scope.post(
      '/api/v1/bundles/evaluate',
      {
        config: { access: 'dashboard', scope: 'tenant' },
        schema: {
          tags: ['bundles'],
          summary: 'Try a tool call against a bundle',
          description:
            'Nothing is kept and no tool runs. At most 10 YAML documents, 100 contracts, 5 seconds and 4 evaluations at once; the answer to more than these is 422, or 429 without Retry-After.',
          body: Type.Object({
            yaml_content: YamlContent,
            tool_name: toolName({ maxLength: 255 }),
            tool_args: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
            environment: Maybe(Type.String({ maxLength: 64, default: 'production' })),
            agent_id: Maybe(Type.String({ maxLength: 255, default: 'test-agent', description: 'Has no effect.' })),
            principal: Maybe(
              Type.Object({
                user_id: Maybe(Text),
                role: Maybe(Text),
                claims: Maybe(Type.Record(Type.String(), Type.Unknown())),
              }),
            ),
            after: Maybe(
              Type.Object(
                {
                  labels: Maybe(Type.Array(Text, { maxItems: 100, description: 'Labels that the session bears.' })),
                  tools: Maybe(Type.Array(Text, { maxItems: 100, description: 'Tools that have run in the session.' })),
                },
                { description: 'What came before in the session; nothing when it is left out.' },
              ),
            ),
          }),
          response: { 200: EvaluationBody, ...failures(401, 403, 413, 422, 429) },
        },
      },
      async (request) => {
        const { yaml_content, tool_name, tool_args, environment, principal, after } = request.body
        const { user_id, role, claims } = principal ?? {}
        return wireEvaluation(
          await evaluate({
            yaml: yaml_content,
            toolName: tool_name,
            toolArgs: tool_args ?? {},
            environment: environment ?? 'production',
            after: { labels: after?.labels ?? [], tools: after?.tools ?? [] },
            principal: principal
              ? {
                  ...(typeof user_id === 'string' ? { userId: user_id } : {}),
                  ...(typeof role === 'string' ? { role } : {}),
                  ...(claims ? { claims } : {}),
                }
              : null,
          }),
        )
      },
    )
  })
}

function wireEvaluation(judged: Evaluation) {
  const { decision, skipped } = judged
  return {
    verdict: judged.verdict,
    mode: judged.mode,
    contracts_evaluated: judged.contracts.map(({ passed, policyError, tags, ...contract }) => ({
      ...contract,
      matched: passed,
      tags: [...tags],
      policy_error: policyError,
    })),
    deciding_contract: judged.decidingContract,
    policy_version: judged.hash.slice(0, POLICY_VERSION_DIGITS),
    evaluation_time_ms: Math.round(judged.milliseconds * 100) / 100,
    decision: {
      action: decision.action,
      contract: decision.decisionName,
      source: decision.decisionSource,
      reason: decision.reason,
    },
    semantics: {
      kind: 'dry_run',
      description:
        'Every precondition and sandbox that names the tool was judged, without stopping at the first that fired. Postconditions need a result and session contracts a history of calls: neither was judged. An approve contract that fires counts as deny in verdict; decision tells whether a person would be asked.',
      postconditions_skipped: skipped.post,
      session_contracts_skipped: skipped.session,
    },
  }
}
