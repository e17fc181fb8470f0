import ELK, { type ElkNode } from 'elkjs/lib/elk-api.js'
import workerUrl from 'elkjs/lib/elk-worker.min.js?url'
import type { WorkflowGraph } from './graph-model.ts'

/** Pixels of a state. */
export const NODE = { width: 168, height: 48 } as const

export interface Point {
  readonly x: number
  readonly y: number
}

/** Where a transition runs, from corner to corner, and where the middle of its label is. */
export interface Way {
  readonly points: readonly Point[]
  readonly label: Point | null
}

export interface Layout {
  readonly places: ReadonlyMap<string, Point>
  readonly ways: ReadonlyMap<string, Way>
}

/** Pixels of a label, by its characters. */
const LABEL = { character: 6.2, height: 16 } as const

let elk: InstanceType<typeof ELK> | null = null

/** Where everything stands, from above to below in the order of the transitions. Worked out beside the page, in a worker. */
export async function layoutOf({ nodes, edges }: WorkflowGraph): Promise<Layout> {
  elk ??= new ELK({ workerFactory: () => new Worker(workerUrl) })
  const asked: ElkNode = {
    id: 'workflow',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'DOWN',
      'elk.edgeRouting': 'ORTHOGONAL',
      'elk.spacing.nodeNode': '40',
      'elk.spacing.edgeNode': '20',
      'elk.layered.spacing.nodeNodeBetweenLayers': '36',
      'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
      'elk.layered.cycleBreaking.strategy': 'MODEL_ORDER',
    },
    children: nodes.map(({ id }) => ({ id, ...NODE })),
    edges: edges.map(({ id, source, target, label }) => ({
      id,
      sources: [source],
      targets: [target],
      labels: label ? [{ text: label, width: label.length * LABEL.character, height: LABEL.height }] : [],
    })),
  }
  const laid: ElkNode = await elk.layout(asked)
  return {
    places: new Map((laid.children ?? []).map(({ id, x = 0, y = 0 }) => [id, { x, y }])),
    ways: new Map(
      (laid.edges ?? []).map(({ id, sections, labels }) => {
        const [section, label] = [sections?.[0], labels?.[0]]
        const points = section ? [section.startPoint, ...(section.bendPoints ?? []), section.endPoint] : []
        const { x = 0, y = 0, width = 0, height = 0 } = label ?? {}
        return [id, { points, label: label ? { x: x + width / 2, y: y + height / 2 } : null }]
      }),
    ),
  }
}
