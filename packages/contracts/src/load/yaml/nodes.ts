import type { ScalarTag } from './resolve.ts'

/** A parsed document, with the place of every part in the text. Offsets are UTF-16 positions; -1 when there is no text. */
export type YamlNode = ScalarNode | SequenceNode | MappingNode

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly tag: ScalarTag
  readonly text: string
  /** Written without quotes and without a tag, so that the text alone decides what it means. */
  readonly plain: boolean
  readonly start: number
  readonly end: number
  /** Present on nodes made from values that have no text. */
  readonly value?: unknown
}

export interface SequenceNode {
  readonly kind: 'sequence'
  readonly items: readonly YamlNode[]
  readonly start: number
  readonly end: number
}

export interface MappingNode {
  readonly kind: 'mapping'
  readonly entries: readonly MappingEntry[]
  /** The merge keys (`<<`) themselves, whose mappings are worked into the entries; absent when there are none. */
  readonly merges?: readonly YamlNode[]
  readonly start: number
  readonly end: number
}

export interface MappingEntry {
  readonly key: YamlNode
  readonly value: YamlNode
  /** Came from another mapping by a merge key (`<<`). */
  readonly merged: boolean
}
