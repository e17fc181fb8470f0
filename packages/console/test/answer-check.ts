import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { responses: Record<string, Answer> }>>>>
}
interface Answer {
  readonly content?: Readonly<Record<string, { schema?: object }>>
}

/** Says what is wrong with an answer, or null. */
export type AnswerCheck = (method: string, path: string, status: number, body: unknown) => string | null

/** Judges answers by the server's own OpenAPI document: the route must exist, and what it answers must be as declared. */
export function createAnswerCheck(): AnswerCheck {
  const file = join(import.meta.dirname, '../../server/openapi.json')
  const document = JSON.parse(readFileSync(file, 'utf8')) as OpenApi
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ ...document, $id: 'openapi' })
  const compiled = new Map<string, ValidateFunction>()
  // A path without parameters is meant before one with them: `/contracts/import` before `/contracts/{contract_id}`.
  const paths = Object.keys(document.paths)
    .sort((a, b) => a.split('{').length - b.split('{').length)
    .map((path) => ({ path, pattern: new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]+')}$`) }))

  return (method, path, status, body) => {
    const route = paths.find(({ pattern }) => pattern.test(path))?.path
    const operation = route && document.paths[route]?.[method.toLowerCase()]
    if (!operation) return `${method} ${path} is no route`
    const answer = operation.responses[String(status)]
    if (!answer) return `${method} ${route} does not answer ${status}`
    const schema = answer.content?.['application/json']?.schema
    if (!schema) return body === undefined ? null : `${method} ${route} answers ${status} without JSON`
    const key = `${method} ${route} ${status}`
    const validate = compiled.get(key) ?? ajv.compile(withRoot(schema))
    compiled.set(key, validate)
    return validate(body) ? null : `${key}: ${ajv.errorsText(validate.errors)}`
  }
}

/** References of the document are meant from its root. */
const withRoot = (schema: object): object =>
  JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"openapi#/')) as object
