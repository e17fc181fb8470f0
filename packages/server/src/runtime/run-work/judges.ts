import { isRecord } from '../interpreter/blackboard.ts'
import type { Judged, JudgeWork, Values } from '../interpreter/run.ts'
import type { Templates } from '../templates/renderer.ts'
import { readAnswer, UnreadableAnswer } from '../validation/answer.ts'
import type { EntryAgents } from './agents.ts'

/** Seconds that a judge of a workflow may take. */
const JUDGE_SECONDS = 600

/** What is judged, and by what. */
interface Judgeable {
  readonly content: string
  readonly criteria: string
}

/** What templates of judges see, and where a judge finds what its input names beyond that. */
export interface JudgingView {
  readonly values: Values
  readonly templates: Templates
}

/** Ask all judges at once; null when the state does not wait any more. A judge that does not answer as one is left out, and told. */
export async function askJudges(
  agents: EntryAgents,
  key: string,
  judges: readonly JudgeWork[],
  { content, criteria }: Judgeable,
  { values, templates }: JudgingView,
  seconds = JUDGE_SECONDS,
): Promise<Judged | null> {
  const view = { ...values, output: content, criteria }
  const asked = await Promise.all(
    judges.map(async ({ agentId: agent, inputTemplate }, index) => {
      let shown = content
      try {
        if (inputTemplate !== null) shown = templates.render(inputTemplate, view)
      } catch (error) {
        return `input_template of the judge '${agent}' is broken: ${(error as Error).message}`
      }
      return agents.tryAsk({
        key: `${key}:${index}`,
        agent,
        input: shown,
        intent: criteria === '' ? null : criteria,
        inputFor: ({ name, manifest }) =>
          inputOf(manifest.spec.input_schema, { name, content: shown, criteria, values }),
        seconds,
      })
    }),
  )
  const judgements: Judged['judgements'][number][] = []
  const failures: string[] = []
  for (const [index, answer] of asked.entries()) {
    const { agentId, weight } = judges[index] as JudgeWork
    if (answer === null) return null
    if (typeof answer === 'string') {
      failures.push(`The judge '${agentId}' gave no answer: ${answer}`)
      continue
    }
    try {
      const { score, confidence, reasoning } = readAnswer(answer.output ?? '')
      judgements.push({ agentId: answer.agentId, score, confidence, weight, reasoning })
    } catch (error) {
      if (!(error instanceof UnreadableAnswer)) throw error
      failures.push(`The judge '${agentId}': ${error.message}`)
    }
  }
  return { judgements, failures }
}

/**
 * The input of a judge by the properties that its own schema names. Without a schema it is what is judged, as text, with the criteria
 * as what it is to do. Source: AEGIS runtime reference, judging in workflows.
 */
export function inputOf(
  schema: unknown,
  of: Judgeable & { readonly name: string; readonly values: Values },
): { readonly input: unknown; readonly intent: string | null } {
  const { name, content, criteria, values } = of
  const properties = isRecord(schema) && isRecord(schema.properties) ? Object.keys(schema.properties) : []
  if (properties.length === 0) return { input: content, intent: criteria === '' ? null : criteria }
  const entryOf = (property: string): unknown => {
    switch (property) {
      case 'output':
      case 'generated_manifest':
      case 'generated_workflow':
        return content
      case 'task':
      case 'user_objective':
      case 'criteria':
        return criteria
      case 'validation_context':
        return name
      default:
        return Object.hasOwn(values, property) ? values[property] : null
    }
  }
  return { input: Object.fromEntries(properties.map((property) => [property, entryOf(property)])), intent: null }
}
