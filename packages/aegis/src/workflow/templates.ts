import { isRecord, type Path } from '../shape/shape.ts'
import type { Findings } from './rules.ts'
import type { WorkflowManifestDocument, WorkflowState } from './types.ts'

/** What is wrong with a template or an expression of a condition, or null. Who renders templates knows. */
export type TemplateCheck = (text: string, kind: 'template' | 'expression') => string | null

/** Expressions that are judged: it takes a twentieth of a millisecond for each. */
const MOST_EXPRESSIONS = 4_000

/** Names a state has for other things: they are no templates whatever they look like. */
const names: readonly string[] = ['kind', 'target', 'condition']

/** Every template and every expression of a workflow, judged by `check`. */
export function judgeTemplates(
  { metadata, spec }: WorkflowManifestDocument,
  check: TemplateCheck,
  rule: Findings['rule'],
): void {
  let expressions = 0
  const judge = (value: unknown, path: Path, where: string): void => {
    if (expressions > MOST_EXPRESSIONS) return
    if (typeof value === 'string') {
      const isExpression = path.at(-1) === 'expression'
      if (!isExpression && !value.includes('{{')) return
      expressions += isExpression ? 1 : value.split('{{').length - 1
      if (expressions > MOST_EXPRESSIONS) {
        rule(path, `the workflow has more than ${MOST_EXPRESSIONS} expressions in its templates`)
        return
      }
      const problem = check(value, isExpression ? 'expression' : 'template')
      if (problem !== null) rule(path, `Invalid ${isExpression ? 'expression' : 'template'} ${where}: ${problem}`)
    } else if (Array.isArray(value)) value.forEach((one, index) => void judge(one, [...path, index], where))
    else if (isRecord(value))
      for (const [key, inner] of Object.entries(value)) if (!names.includes(key)) judge(inner, [...path, key], where)
  }
  judge(metadata?.output_template, ['metadata', 'output_template'], 'in output_template')
  for (const [name, state] of Object.entries<WorkflowState>(spec?.states ?? {}))
    judge(state, ['spec', 'states', name], `in state '${name}'`)
}
