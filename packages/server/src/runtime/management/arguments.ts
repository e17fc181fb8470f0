import type { ArgumentRecord } from '../tools/tool.ts'

/** Arguments that several tools take. */
export const text = (description: string): ArgumentRecord => ({
  is: 'setting',
  schema: { type: 'string', minLength: 1, description },
})
export const content = (description: string): ArgumentRecord => ({
  is: 'content',
  schema: { type: 'string', description },
})
/** Any JSON value. */
export const json = (description: string): ArgumentRecord => ({ is: 'content', schema: { description } })
export const flag = (description: string): ArgumentRecord => ({
  is: 'setting',
  schema: { type: 'boolean', description },
})
export const number = (description: string, range: object = { minimum: 0 }): ArgumentRecord => ({
  is: 'setting',
  schema: { type: 'number', ...range, description },
})
export const whole = (description: string, range: object = { minimum: 0 }): ArgumentRecord => ({
  is: 'setting',
  schema: { type: 'integer', ...range, description },
})
export const oneOf = (description: string, values: readonly string[]): ArgumentRecord => ({
  is: 'setting',
  schema: { type: 'string', enum: values, description },
})
export const list = (description: string, items: object = {}): ArgumentRecord => ({
  is: 'content',
  schema: { type: 'array', items, description },
})
export const optional = (argument: ArgumentRecord): ArgumentRecord => ({ ...argument, isOptional: true })

export const page = {
  limit: optional(whole('How many at most (50; more than 200 are not given).', { minimum: 1 })),
  offset: optional(whole('How many to pass over first.')),
}

const MOST = 200

/** `limit` and `offset` of a call. */
export function pageOf(args: Readonly<Record<string, unknown>>, fallback = 50): { limit: number; offset: number } {
  const { limit = fallback, offset = 0 } = args
  return { limit: Math.min(Number(limit), MOST), offset: Number(offset) }
}
