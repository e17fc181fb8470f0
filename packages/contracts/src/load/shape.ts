/**
 * The words the shapes of a document are written in. One table made of them (`table.ts`) is both what the loader checks and
 * what the JSON Schema is generated from.
 */
export type Shape =
  | StringShape
  | { readonly type: 'boolean'; readonly doc?: string }
  /** Whole numbers; `30.0` is one, `true` is not. */
  | { readonly type: 'integer'; readonly min: number; readonly carried?: number; readonly doc?: string }
  | { readonly type: 'number'; readonly doc?: string }
  | { readonly type: 'any'; readonly doc?: string }
  | { readonly type: 'list'; readonly items: Shape; readonly min: number; readonly doc?: string }
  /** Any keys; their values all of one shape, or free. */
  | { readonly type: 'map'; readonly values: Shape; readonly min?: number; readonly doc?: string }
  | ObjectShape
  | { readonly type: 'contract' }
  | { readonly type: 'expression' }

export interface StringShape {
  readonly type: 'string'
  /** In Unicode code points. */
  readonly min?: number
  readonly max?: number
  /** The most a server carries; asked of bundles that are loaded for one. */
  readonly carried?: number
  readonly pattern?: RegExp
  /** What the pattern asks for, in words. */
  readonly rule?: string
  readonly choices?: readonly string[]
  /** Choices as a `Ruleset` spells them. */
  readonly later?: Readonly<Record<string, string>>
  readonly nullable?: boolean
  readonly doc?: string
}

export interface ObjectShape {
  readonly type: 'object'
  readonly fields: Readonly<Record<string, Field>>
  /** At least one of these fields. */
  readonly someOf?: readonly string[]
  /** Exactly one of these fields. */
  readonly oneOf?: readonly string[]
  /** What other fields must or must not be there, by the word that a field has. */
  readonly depends?: Dependence
  readonly doc?: string
}

export interface Dependence {
  /** Names that lead to the field, in the words of a `ContractBundle`. */
  readonly on: readonly string[]
  /** Left out: any word, as long as the field is there. */
  readonly is?: string
  readonly requires?: readonly string[]
  readonly otherwiseRequires?: readonly string[]
  readonly otherwiseRefuses?: readonly string[]
}

export interface Field {
  readonly shape: Shape
  readonly required?: boolean
  /** What a `Ruleset` calls the field; the first is the one it is told to use. */
  readonly later?: readonly string[]
}

export const text = (rest: Omit<StringShape, 'type'> = {}): StringShape => ({ type: 'string', ...rest })
export const list = (items: Shape, min = 1, doc?: string): Shape => ({
  type: 'list',
  items,
  min,
  ...(doc ? { doc } : {}),
})
export const required = (shape: Shape, later?: readonly string[]): Field => ({
  shape,
  required: true,
  ...(later ? { later } : {}),
})
export const optional = (shape: Shape, later?: readonly string[]): Field => ({ shape, ...(later ? { later } : {}) })
