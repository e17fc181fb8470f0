import type { ExplainedContract, ExplainedNode } from '@lictor/contracts/authoring'

/** A contract that concerns a call, and what each part of its condition said. */
export interface Reason {
  readonly id: string
  readonly type: string
  readonly mode: string
  readonly fired: boolean
  readonly message: string | null
  readonly leaves: readonly Leaf[]
}

export interface Leaf {
  /** `args.path`. */
  readonly selector: string
  readonly operator: string
  readonly argument: unknown
  readonly value: unknown
  readonly isPresent: boolean
  /** Null when it could not be judged; `error` says why. */
  readonly result: boolean | null
  readonly error: string | null
}

export const reasonOf = ({ id, type, mode, fired, message, condition }: ExplainedContract): Reason => ({
  id,
  type,
  mode,
  fired,
  message,
  leaves: condition ? leavesOf(condition) : [],
})

const leavesOf = (node: ExplainedNode): readonly Leaf[] =>
  node.kind === 'leaf'
    ? [
        {
          selector: node.selector,
          operator: node.operator,
          argument: node.argument,
          value: node.value,
          isPresent: node.present,
          result: node.result,
          error: node.error,
        },
      ]
    : node.children.flatMap(leavesOf)
