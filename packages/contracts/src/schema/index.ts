// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the language, and a keyword of JSON Schema
import type { Dependence, Field, ObjectShape, Shape, StringShape } from '../load/shape.ts'
import { BUNDLE, CONTRACTS } from '../load/table.ts'
import { OPERATORS } from '../operators/operators.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/**
 * JSON Schema (2020-12) of the bundle document in both vocabularies, made from the table the loader checks by. Editors get
 * completion and most errors from it; what compares one part of a document with another only the loader sees.
 */
export const bundleJsonSchema: JsonSchema = Object.freeze({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Contract bundle',
  type: 'object',
  required: ['kind'],
  properties: { kind: { enum: ['ContractBundle', 'Ruleset'] } },
  if: { properties: { kind: { const: 'Ruleset' } } },
  then: { $ref: '#/$defs/Ruleset' },
  else: { $ref: '#/$defs/ContractBundle' },
  $defs: {
    ContractBundle: objectSchema(BUNDLE, false),
    Ruleset: objectSchema(BUNDLE, true),
    contract: contractSchema(false),
    rule: contractSchema(true),
    expression: expressionSchema(),
  },
})

function schemaOf(shape: Shape, later: boolean): JsonSchema {
  const doc = 'doc' in shape && shape.doc !== undefined ? { description: shape.doc } : {}
  switch (shape.type) {
    case 'any':
      return doc
    case 'string':
      return { ...stringSchema(shape, later), ...doc }
    case 'boolean':
      return { type: 'boolean', ...doc }
    case 'integer':
      return { type: 'integer', minimum: shape.min, ...doc }
    case 'number':
      return { type: 'number', ...doc }
    case 'list':
      return {
        type: 'array',
        items: schemaOf(shape.items, later),
        ...(shape.min > 0 ? { minItems: shape.min } : {}),
        ...doc,
      }
    case 'map':
      return {
        type: 'object',
        additionalProperties: schemaOf(shape.values, later),
        ...(shape.min === undefined ? {} : { minProperties: shape.min }),
        ...doc,
      }
    case 'object':
      return { ...objectSchema(shape, later), ...doc }
    case 'contract':
      return { $ref: later ? '#/$defs/rule' : '#/$defs/contract' }
    case 'expression':
      return { $ref: '#/$defs/expression' }
  }
}

function stringSchema(shape: StringShape, later: boolean): JsonSchema {
  if (shape.choices !== undefined) {
    const words = later && shape.later ? shape.later : {}
    const spoken = shape.choices.map((choice) => (Object.hasOwn(words, choice) ? words[choice] : choice))
    return { enum: [...new Set([...spoken, ...shape.choices])] }
  }
  return {
    type: shape.nullable ? ['string', 'null'] : 'string',
    ...(shape.min === undefined ? {} : { minLength: shape.min }),
    ...(shape.max === undefined ? {} : { maxLength: shape.max }),
    ...(shape.pattern === undefined ? {} : { pattern: shape.pattern.source }),
  }
}

function namesOf(name: string, field: Field, later: boolean): readonly string[] {
  return later && field.later !== undefined ? [...new Set([...field.later, name])] : [name]
}

function objectSchema(shape: ObjectShape, later: boolean): JsonSchema {
  const properties: Record<string, JsonSchema> = {}
  const required: string[] = []
  const conditions: JsonSchema[] = []
  for (const [name, field] of Object.entries(shape.fields)) {
    const names = namesOf(name, field, later)
    for (const each of names) properties[each] = schemaOf(field.shape, later)
    if (names.length === 1 && field.required) required.push(name)
    if (names.length > 1) {
      const alternatives = names.map((each) => ({ required: [each] }))
      conditions.push(field.required ? { oneOf: alternatives } : { not: { required: names } })
    }
  }
  const groups = [
    ...conditions,
    ...(shape.oneOf ? [{ oneOf: shape.oneOf.map((name) => ({ required: [name] })) }] : []),
    ...(shape.someOf ? [{ anyOf: shape.someOf.map((name) => ({ required: [name] })) }] : []),
    ...(shape.depends ? [dependenceSchema(shape.depends, later)] : []),
  ]
  return {
    type: 'object',
    properties,
    required,
    additionalProperties: false,
    ...(groups.length > 0 ? { allOf: groups } : {}),
  }
}

function dependenceSchema({ on, is, ...asked }: Dependence, later: boolean): JsonSchema {
  const ways = later && on.at(-1) === 'effect' ? [on, [...on.slice(0, -1), 'action']] : [on]
  const isSo = ways.map((path) =>
    path.reduceRight<JsonSchema>(
      (inner, name) => ({ required: [name], properties: { [name]: inner } }),
      is === undefined ? {} : { const: is },
    ),
  )
  const { requires = [], otherwiseRequires = [], otherwiseRefuses = [] } = asked
  return {
    if: isSo.length === 1 ? isSo[0] : { anyOf: isSo },
    then: { required: requires },
    else: {
      required: otherwiseRequires,
      ...(otherwiseRefuses.length > 0
        ? { not: { anyOf: otherwiseRefuses.map((name) => ({ required: [name] })) } }
        : {}),
    },
  }
}

/** One schema per type, chosen by `type`, so that an error speaks of the type the author meant. */
function contractSchema(later: boolean): JsonSchema {
  const types = Object.keys(CONTRACTS)
  return {
    type: 'object',
    required: ['id', 'type'],
    properties: { type: { enum: types } },
    allOf: Object.entries(CONTRACTS).map(([type, shape]) => ({
      if: { properties: { type: { const: type } } },
      then: objectSchema(shape, later),
    })),
  }
}

function expressionSchema(): JsonSchema {
  const self = { $ref: '#/$defs/expression' }
  const operators = Object.fromEntries(
    OPERATORS.map(({ name, shape, holdsWhen }) => [
      name,
      { ...schemaOf(shape, false), description: `Holds when ${readable(holdsWhen)}.` },
    ]),
  )
  const leaf = { type: 'object', minProperties: 1, maxProperties: 1, properties: operators }
  return {
    description: 'A condition: one selector with one operator, or several joined by all, any and not.',
    type: 'object',
    minProperties: 1,
    maxProperties: 1,
    properties: {
      all: { type: 'array', minItems: 1, items: self, description: 'Holds when every one of these holds.' },
      any: { type: 'array', minItems: 1, items: self, description: 'Holds when one of these holds.' },
      not: { allOf: [self], description: 'Holds when this does not.' },
    },
    additionalProperties: leaf,
  }
}

/** The sentence of an operator where its argument and the value have no names: `v` and `a` are those of the guide's table. */
function readable(holdsWhen: string): string {
  return holdsWhen
    .replace('the text `a`', 'the argument')
    .replaceAll('`a`', 'the argument')
    .replaceAll('`v`', 'the value')
    .replaceAll('`', '')
}
