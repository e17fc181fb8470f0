import Type from 'typebox'
import type { JournalEntry } from '../../changes/journal/store.ts'
import { Instant, Nullable } from '../../http/schemas.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { Json } from '../http.ts'
import type { Iteration } from '../record/execution.ts'
import type { Gradient } from '../validation/gradient.ts'

/** Characters of a text that an execution's record shows; the events of the iteration have the rest. */
const LONGEST_TEXT = 32_768

const gradient = (of: string) => Type.Any({ description: `${of}; null where none judged.` })

/** The wire form of an attempt. */
export const IterationShape = Type.Object({
  number: Type.Integer({ description: 'From 1, without gaps.' }),
  iteration_number: Type.Integer({ description: 'The same.' }),
  status: Type.String({ description: '`running`, `success`, `refining` or `failed`.' }),
  action: Type.String({ description: 'The prompt it began with, at most 32,768 characters.' }),
  output: Nullable(Type.String({ description: 'What it came to, at most 32,768 characters; null before it has.' })),
  exit_code: Nullable(Type.Integer({ description: 'Of its instance; null before that has ended.' })),
  validation_results: Type.Object(
    {
      system: gradient('What was said of the exit code'),
      output: gradient('Of the output, by its schema, pattern, format or script'),
      semantic: gradient('By a judge'),
      gradient: gradient('By the last validator that was asked'),
      consensus: gradient('By several judges, with what each said'),
    },
    {
      description: 'What validators said: score, confidence and reasoning of each.',
    },
  ),
  error: Nullable(
    Type.Object(
      {
        message: Type.String({ description: 'Why, in a sentence.' }),
        details: Nullable(Type.String({ description: 'Null.' })),
      },
      { description: 'Why it came to no output; null where it did.' },
    ),
  ),
  code_changes: Type.Null({ description: 'Null: changes of files are not recorded apart.' }),
  llm_interactions: Type.Array(Json, { description: 'Turns of the model, the newest thousand of the execution.' }),
  trajectory: Type.Array(
    Type.Object({
      tool_name: Type.String({ description: 'As the model called it.' }),
      arguments_json: Type.String({ description: 'JSON of its arguments, shortened.' }),
      status: Type.String({
        description:
          '`pending`, `dispatched`, `succeeded`, `failed`, or `fatal`: it cannot work until a setting of the server is changed.',
      }),
      result_json: Nullable(
        Type.String({ description: 'JSON of what the model was told; null of a call that failed.' }),
      ),
      error: Nullable(Type.String({ description: 'Why it failed; null of a call that succeeded.' })),
    }),
    { description: 'Its tool calls, in their order.' },
  ),
  policy_violations: Type.Array(Type.String(), { description: 'Tools whose calls were refused, in their order.' }),
  started_at: Instant,
  ended_at: Nullable(Instant),
})

/** @param interactions entries of the execution's journal of the type `llm_interaction` */
export function shownIterations(iterations: readonly Iteration[], interactions: readonly JournalEntry[]) {
  const turns = interactions.map(({ data }) => JSON.parse(data) as Record<string, unknown>)
  return iterations.map((iteration) => ({
    number: iteration.number,
    iteration_number: iteration.number,
    status: iteration.status,
    action: shortened(iteration.action),
    output: iteration.output === null ? null : shortened(iteration.output),
    exit_code: iteration.exitCode,
    validation_results: resultsOf(iteration.validation ?? []),
    error: iteration.error === null ? null : { message: iteration.error.message, details: null },
    code_changes: null,
    llm_interactions: turns.filter((turn) => turn.iteration_number === iteration.number).map(interactionOf),
    trajectory: iteration.trajectory.map((step) => ({
      tool_name: step.tool,
      arguments_json: step.argumentsJson,
      status: step.status,
      result_json: step.resultJson ?? null,
      error: step.error ?? null,
    })),
    policy_violations: [...iteration.policyViolations],
    started_at: toWireTime(iteration.startedAt),
    ended_at: toWireTimeOrNull(iteration.endedAt),
  }))
}

const interactionOf = ({
  provider,
  model,
  input_tokens,
  output_tokens,
  prompt,
  response,
  timestamp,
}: Record<string, unknown>) => ({
  provider,
  model,
  input_tokens,
  output_tokens,
  prompt,
  response,
  timestamp,
})

const outputValidators = new Set(['json_schema', 'regex', 'format', 'script'])

function resultsOf(gradients: readonly Gradient[]) {
  const last = (fits: (validator: string) => boolean) =>
    shownGradient(gradients.findLast(({ validator }) => fits(validator)) ?? null)
  return {
    system: last((validator) => validator === 'exit_code'),
    output: last((validator) => outputValidators.has(validator)),
    semantic: last((validator) => validator === 'semantic'),
    gradient: last(() => true),
    consensus: last((validator) => validator === 'multi_judge'),
  }
}

function shownGradient(gradient: Gradient | null) {
  if (gradient === null) return null
  const { validator, score, confidence, reasoning, signals = [], metadata = {}, judgements } = gradient
  const individual = judgements?.map((one) => ({
    agent_id: one.judgeId,
    judge: one.judge,
    score: one.score,
    confidence: one.confidence,
    reasoning: one.reasoning,
  }))
  return {
    validator,
    score,
    confidence,
    reasoning,
    signals,
    metadata,
    ...(individual ? { individual_results: individual } : {}),
  }
}

const shortened = (text: string): string => (text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}…`)
