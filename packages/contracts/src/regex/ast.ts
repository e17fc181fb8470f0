import type { CharSet } from './chars.ts'

export type Anchor = 'textStart' | 'lineStart' | 'textEnd' | 'finalEnd' | 'lineEnd' | 'word' | 'notWord'

/** A pattern, understood. Flags are already worked into it: sets hold the case variants, anchors are the exact ones. */
export type Node =
  | { readonly type: 'set'; readonly set: CharSet }
  | { readonly type: 'sequence'; readonly items: readonly Node[] }
  | { readonly type: 'choice'; readonly items: readonly Node[] }
  | {
      readonly type: 'repeat'
      readonly body: Node
      readonly min: number
      readonly max: number
      readonly manner: 'greedy' | 'lazy' | 'possessive'
    }
  | { readonly type: 'group'; readonly index: number; readonly body: Node }
  | { readonly type: 'atomic'; readonly body: Node }
  | {
      readonly type: 'look'
      readonly ahead: boolean
      readonly negated: boolean
      readonly body: Node
      readonly width: number
    }
  | { readonly type: 'reference'; readonly group: number; readonly ignoreCase: boolean; readonly ascii: boolean }
  | { readonly type: 'conditional'; readonly group: number; readonly yes: Node; readonly no: Node }
  | { readonly type: 'anchor'; readonly anchor: Anchor; readonly ascii: boolean }

export interface ParsedPattern {
  readonly root: Node
  /** Number of capturing groups. */
  readonly groups: number
}
