import {
  anything,
  boolean,
  formatPath,
  integer,
  isRecord,
  list,
  number,
  oneOf,
  record,
  type Shape,
  string,
  tagged,
  text,
  word,
} from '../shape/shape.ts'
import type { ValidationObject, Validator } from './types.ts'

const score = number({ min: 0, max: 1 })
const seconds = number({ min: 0 })

/** A pattern that compiles. Python's named groups and leading inline flags are accepted as well. */
const pattern: Shape<string> = (value, path, reading) => {
  const written = string(value, path, reading)
  if (written === undefined) return undefined
  try {
    new RegExp(written.replace(/^\(\?[aiLmsux]+\)/, '').replaceAll('(?P<', '(?<'))
    return written
  } catch (error) {
    reading.report(path, `${formatPath(path)} is not a regular expression: ${(error as Error).message}`)
    return undefined
  }
}

const judged = { criteria: string, min_score: score, min_confidence: score, timeout_seconds: seconds }

const validator = tagged<Validator>({
  exit_code: record<Extract<Validator, { type: 'exit_code' }>>({
    type: word(['exit_code']),
    expected: integer(),
    min_score: score,
  }),
  json_schema: record<Extract<Validator, { type: 'json_schema' }>>({
    type: word(['json_schema']),
    schema: anything,
    schema_path: string,
    target_path: string,
    min_score: score,
  }),
  regex: record<Extract<Validator, { type: 'regex' }>>(
    { type: word(['regex']), pattern, target: word(['stdout', 'stderr', 'json', 'yaml']), min_score: score },
    { required: ['pattern'] },
  ),
  semantic: record<Extract<Validator, { type: 'semantic' }>>(
    { type: word(['semantic']), judge_agent: string, ...judged },
    { required: ['judge_agent'] },
  ),
  multi_judge: record<Extract<Validator, { type: 'multi_judge' }>>(
    {
      type: word(['multi_judge']),
      judges: list(string),
      consensus: word(['weighted_average', 'majority', 'unanimous', 'best_of_n'], { majority_vote: 'majority' }),
      min_judges_required: integer({ min: 1 }),
      ...judged,
    },
    { required: ['judges'] },
  ),
})

const validationObject = record<ValidationObject>({
  system: record<NonNullable<ValidationObject['system']>>({
    must_succeed: boolean,
    allow_stderr: boolean,
    timeout_seconds: seconds,
  }),
  output: record<NonNullable<ValidationObject['output']>>({
    format: word(['json', 'yaml', 'text', 'csv', 'pdf']),
    schema: anything,
    regex: pattern,
  }),
  script: record<NonNullable<ValidationObject['script']>>(
    { path: string, description: text, timeout_seconds: seconds },
    { required: ['path'] },
  ),
  semantic: record<NonNullable<ValidationObject['semantic']>>({
    enabled: boolean,
    model: string,
    prompt: text,
    threshold: score,
    timeout_seconds: seconds,
    fallback_on_unavailable: word(['skip', 'fail']),
  }),
})

/** Validators, in the order they judge. */
export const validatorList = list(validator)

/** A list of validators, or the older object form; an empty object is an empty list (the SDK writes one). */
export const validation: Shape<Validator[] | ValidationObject> = oneOf(
  [validatorList, validationObject],
  (value, path, reading) => {
    if (!isRecord(value)) return validatorList(value, path, reading)
    return Object.keys(value).length === 0 ? [] : validationObject(value, path, reading)
  },
)
