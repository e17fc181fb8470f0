import type { Node } from './ast.ts'

/** The least and greatest number of characters a node can match; references ask `groupWidth`. */
export function widthOf(
  node: Node,
  groupWidth: (group: number) => readonly [number, number] = () => [0, Number.POSITIVE_INFINITY],
): readonly [number, number] {
  switch (node.type) {
    case 'set':
      return [1, 1]
    case 'sequence': {
      let low = 0
      let high = 0
      for (const item of node.items) {
        const [a, b] = widthOf(item, groupWidth)
        low += a
        high += b
      }
      return [low, high]
    }
    case 'choice': {
      let low = Number.POSITIVE_INFINITY
      let high = 0
      for (const item of node.items) {
        const [a, b] = widthOf(item, groupWidth)
        low = Math.min(low, a)
        high = Math.max(high, b)
      }
      return [low, high]
    }
    case 'repeat': {
      const [a, b] = widthOf(node.body, groupWidth)
      return [a * node.min, b === 0 || node.max === 0 ? 0 : b * node.max]
    }
    case 'group':
    case 'atomic':
      return widthOf(node.body, groupWidth)
    case 'reference':
      return groupWidth(node.group)
    case 'conditional': {
      const [a, b] = widthOf(node.yes, groupWidth)
      const [c, d] = widthOf(node.no, groupWidth)
      return [Math.min(a, c), Math.max(b, d)]
    }
    case 'look':
    case 'anchor':
      return [0, 0]
  }
}
