import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormatsModule from 'ajv-formats'
import type { FastifyInstance, FastifySchemaValidationError } from 'fastify'
import type { InputProblem } from '../errors.ts'

// The package's CommonJS export arrives as the namespace under nodenext.
const addFormats = addFormatsModule as unknown as typeof addFormatsModule.default

interface SchemaNode {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
  readonly additionalProperties?: boolean | SchemaNode
}

const truthy = new Set(['true', '1', 'yes', 'on', 't', 'y'])
const falsy = new Set(['false', '0', 'no', 'off', 'f', 'n'])
/** Levels of objects and arrays in a body. */
const DEEPEST = 1000
const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i

/** What the validators made here answer: the input as the route is to see it, or what is wrong with it. */
export type Judge = (input: unknown) => { readonly value?: unknown; readonly error?: FastifySchemaValidationError[] }

/**
 * Requests are judged by each route's JSON Schema, after the lenient scalar coercion the API promises:
 * numbers and booleans may come as text, texts only as text. Unknown fields are ignored. No text of a schema holds NUL.
 */
export function registerValidation(app: FastifyInstance): void {
  const ajv = new Ajv({ allErrors: true, useDefaults: true, strict: false, coerceTypes: false, validateFormats: true })
  addFormats(ajv)
  ajv.addFormat('uuid', (text: string) => uuid.test(text))
  app.setValidatorCompiler(({ schema, httpPart }) => {
    const node = schema as SchemaNode
    // Compiled at the first request: most routes of a process are never called, and all of them together are half its start.
    let compiled: ValidateFunction | undefined
    return (data: unknown) => {
      compiled ??= ajv.compile(node)
      const validate = compiled
      if (httpPart === 'body' && isTooDeep(node, data))
        return { error: [problem('', `Value error, nested deeper than ${DEEPEST} levels`, httpPart)] }
      const nul: string[] = []
      const value = coerce(node, data, '', nul)
      if (nul.length > 0)
        return { error: nul.map((path) => problem(path, 'Value error, Null bytes are not allowed', httpPart)) }
      if (validate(value)) return { value }
      // Fastify hands over null where there is no body.
      if (httpPart === 'body' && data === null)
        return { error: [problem('', 'Field required: a JSON body with Content-Type: application/json', httpPart)] }
      return {
        error: (validate.errors ?? []).map((error) => ({
          ...error,
          message: error.message ?? 'is not valid',
        })) as FastifySchemaValidationError[],
      }
    }
  })
}

/**
 * Bodies are stored and written out again by functions that recurse: one that is too deep would make every list with it fail.
 * Items that the schema says nothing of are judged one by one by their feature.
 */
function isTooDeep({ properties }: SchemaNode, body: unknown): boolean {
  if (properties === undefined) return nestsDeeper(body, DEEPEST)
  if (typeof body !== 'object' || body === null) return false
  // Properties that the schema does not name reach their feature too.
  return Object.entries(body).some(([name, value]) => {
    const child = Object.hasOwn(properties, name) ? properties[name] : undefined
    const isJudgedLater = child?.type === 'array' && child.items?.type === undefined && !child.items?.anyOf
    return !isJudgedLater && nestsDeeper(value, DEEPEST)
  })
}

function nestsDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && nestsDeeper(item, levels - 1)) return true
    return false
  }
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key]
    if (typeof item === 'object' && nestsDeeper(item, levels - 1)) return true
  }
  return false
}

function problem(instancePath: string, message: string, schemaPath = ''): FastifySchemaValidationError {
  return { keyword: 'nul', instancePath, schemaPath, params: {}, message }
}

function coerce(schema: SchemaNode, value: unknown, path: string, nul: string[]): unknown {
  if (schema.anyOf) {
    // Optional scalars are `anyOf [T, null]`: the first branch that coercion changes, or that accepts the value, decides.
    if (value === null || value === undefined) return value
    for (const branch of schema.anyOf) {
      const coerced = coerce(branch, value, path, nul)
      if (coerced !== value || typeMatches(branch, value)) return coerced
    }
    return value
  }
  switch (schema.type) {
    case 'integer':
    case 'number':
      if (typeof value === 'string' && /^\s*[+-]?(\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$/.test(value))
        return Number(value)
      return value
    case 'boolean':
      if (value === 1 || value === 0) return value === 1
      if (typeof value === 'string') {
        const text = value.toLowerCase()
        if (truthy.has(text)) return true
        if (falsy.has(text)) return false
      }
      return value
    case 'string':
      if (typeof value === 'string' && value.includes('\u0000')) nul.push(path)
      return value
    case 'array':
      return Array.isArray(value) && schema.items ? coerceItems(schema.items, value, path, nul) : value
    case 'object': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
      const record = value as Record<string, unknown>
      for (const [name, child] of Object.entries(schema.properties ?? {})) {
        if (Object.hasOwn(record, name)) record[name] = coerce(child, record[name], `${path}/${name}`, nul)
      }
      return record
    }
    default:
      return value
  }
}

function coerceItems(items: SchemaNode, values: unknown[], path: string, nul: string[]): unknown[] {
  for (let index = 0; index < values.length; index++)
    values[index] = coerce(items, values[index], `${path}/${index}`, nul)
  return values
}

function typeMatches(schema: SchemaNode, value: unknown): boolean {
  if (schema.type === undefined) return true
  if (schema.type === 'integer') return Number.isInteger(value)
  if (schema.type === 'array') return Array.isArray(value)
  return schema.type === typeof value
}

/** One problem per failed rule, in the wire's words: where (`loc`) and what (`msg`). */
export function problemsOf(errors: readonly FastifySchemaValidationError[], part: string): InputProblem[] {
  const where = part === 'querystring' ? 'query' : part === 'params' ? 'path' : part === 'headers' ? 'header' : part
  const choices = new Map<string, string[]>()
  for (const error of errors)
    if (error.keyword === 'const') {
      const all = choices.get(error.instancePath) ?? []
      choices.set(error.instancePath, [...all, String((error.params as { allowedValue: unknown }).allowedValue)])
    }
  const seen = new Set<string>()
  const problems: InputProblem[] = []
  for (const error of errors) {
    if (
      error.keyword === 'anyOf' ||
      error.keyword === 'if' ||
      (error.keyword === 'type' && (error.params as { type?: string }).type === 'null')
    )
      continue
    const loc = [where, ...segmentsOf(error as unknown as ErrorObject)]
    const key = JSON.stringify(loc)
    if (seen.has(key)) continue
    seen.add(key)
    problems.push({ loc, msg: messageOf(error as unknown as ErrorObject, choices.get(error.instancePath) ?? []) })
  }
  if (problems.length === 0) problems.push({ loc: [where], msg: errors[0]?.message ?? 'is not valid' })
  return problems
}

function segmentsOf(error: ErrorObject): (string | number)[] {
  const segments: (string | number)[] = error.instancePath
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((segment) => (/^\d+$/.test(segment) ? Number(segment) : segment))
  if (error.keyword === 'required') segments.push((error.params as { missingProperty: string }).missingProperty)
  return segments
}

const oneOf = (choices: readonly string[]): string =>
  `Input should be ${choices.length > 1 ? 'one of ' : ''}${choices.map((one) => `'${one}'`).join(', ')}`

/** @param choices values of which each is named by a rule of its own */
function messageOf(error: ErrorObject, choices: readonly string[]): string {
  switch (error.keyword) {
    case 'required':
      return 'Field required'
    case 'enum':
      return oneOf((error.params as { allowedValues: unknown[] }).allowedValues.map(String))
    case 'const':
      return oneOf(choices)
    case 'format':
      return `Input should be a valid ${(error.params as { format: string }).format}`
    case 'nul':
      return error.message ?? ''
    default:
      return `Input ${error.message ?? 'is not valid'}`
  }
}
