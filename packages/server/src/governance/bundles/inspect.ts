import { parseDocument } from 'yaml'
import { InvalidInput } from '../../errors.ts'

/** What the server needs to know of an uploaded document; its bytes are stored as they came. */
export interface InspectedBundle {
  readonly name: string
  readonly contractCount: number
  /** For the person who uploads; the upload succeeded all the same. */
  readonly warnings: readonly string[]
}

/** Load the document in full. @throws InvalidInput with every problem, each with its place. */
export function inspectBundle(text: string): InspectedBundle {
  const parsed = parseDocument(text, { version: '1.1' })
  const error = parsed.errors[0]
  if (error) {
    throw new InvalidInput([{ loc: ['body', 'yaml_content'], msg: `Invalid YAML: ${error.message}` }], 'invalid_bundle')
  }
  const document: unknown = parsed.toJS()
  if (!isMapping(document)) throw refusal('Invalid YAML: expected a mapping at the top level')
  const name = isMapping(document.metadata) ? document.metadata.name : undefined
  if (typeof name !== 'string' || name === '') throw refusal('Missing required field: metadata.name')
  return {
    name,
    contractCount: Array.isArray(document.contracts) ? document.contracts.length : 0,
    warnings: [],
  }
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const refusal = (msg: string) => new InvalidInput([{ loc: ['body', 'yaml_content'], msg }], 'invalid_bundle')
