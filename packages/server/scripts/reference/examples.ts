import { readFileSync } from 'node:fs'

/** One recorded request, and every answer that was recorded, by status. */
export interface OperationExamples {
  readonly path?: Readonly<Record<string, unknown>>
  readonly query?: Readonly<Record<string, unknown>>
  readonly body?: unknown
  readonly responses: Readonly<Record<string, unknown>>
}

/** By `METHOD /path` as the document writes it. */
export type Examples = Readonly<Record<string, OperationExamples>>

export const examplesFile = new URL('./examples.json', import.meta.url)

/** What a server really answered (`record.ts` asks it); checked against the schemas by `openapi.test.ts`. */
export const examples = JSON.parse(readFileSync(examplesFile, 'utf8')) as Examples

/** As a media type object holds it. */
export const exampleOf = (value: unknown): object => (value === undefined ? {} : { example: value })
