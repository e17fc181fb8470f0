import { compilePattern } from '@lictor/contracts'
import { Ajv, type Options } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormatsModule from 'ajv-formats'

// The package's CommonJS export arrives as the namespace under nodenext.
const addFormats = addFormatsModule as unknown as typeof addFormatsModule.default

/** What is wrong with a value, in sentences; empty when it fits. */
export type JudgeValue = (value: unknown) => readonly string[]

/** A schema of a manifest's is somebody else's program: its patterns run in bounded time, like those of contracts. */
const boundedPattern = Object.assign((source: string) => compilePattern(pythonic(source)), {
  code: 'new RegExp',
}) as unknown as NonNullable<NonNullable<Options['code']>['regExp']>

const options: Options = { allErrors: true, strict: false, logger: false, code: { regExp: boundedPattern } }

/** The draft that a schema names; draft 7 when it names none. */
function validatorFor(schema: Readonly<Record<string, unknown>>): Ajv {
  const draft = typeof schema.$schema === 'string' ? schema.$schema : ''
  const ajv = draft.includes('2020-12')
    ? new Ajv2020(options)
    : draft.includes('2019-09')
      ? new Ajv2019(options)
      : new Ajv(options)
  addFormats(ajv as Ajv)
  return ajv as Ajv
}

/** @param name what the value is called in the sentences @throws Error saying what is wrong with the schema */
export function compileSchema(schema: unknown, name = 'value'): JudgeValue {
  if (typeof schema === 'boolean') return () => (schema ? [] : [`${name} is never allowed`])
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
    throw new Error('a JSON Schema is an object')
  const validate = validatorFor(schema as Record<string, unknown>).compile(schema)
  return (value) =>
    validate(value)
      ? []
      : (validate.errors ?? []).map((error) => `${error.instancePath || name} ${error.message ?? 'is not valid'}`)
}

/** Named groups are spelled `(?P<name>` where patterns are bounded; inline flags and the rest are the same. */
export const pythonic = (pattern: string): string => pattern.replace(/\(\?<(?![=!])/g, '(?P<')
