import '@xyflow/react/dist/base.css'
import {
  Background,
  BaseEdge,
  type Edge,
  type EdgeProps,
  Handle,
  MarkerType,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
} from '@xyflow/react'
import { Bot, Boxes, CircleDot, Hand, type LucideIcon, Terminal, Workflow } from 'lucide-react'
import { useEffect, useMemo, useState } from 'react'
import { cn } from '../../ui/cn.ts'
import { messageOf, Skeleton } from '../../ui/states.tsx'
import { graphOf, type Standing, type StateNode } from './graph-model.ts'
import { type Layout, layoutOf, NODE, type Way } from './layout.ts'

const ICONS: Readonly<Record<string, LucideIcon>> = {
  Agent: Bot,
  System: Terminal,
  Human: Hand,
  ContainerRun: Boxes,
  ParallelContainerRun: Boxes,
  ParallelAgents: Boxes,
  Subworkflow: Workflow,
}

const STANDINGS: Readonly<Record<Standing, string>> = {
  untouched: 'border-line-strong bg-surface',
  current: 'border-accent bg-accent-soft font-semibold shadow-[0_0_0_2px_var(--accent)]',
  left: 'border-allow/50 bg-allow-soft',
}

/** As a type of its own, which unlike an interface is a record. */
type State = Node<{ [Name in keyof StateNode]: StateNode[Name] } & { standing: Standing }>

function StateBox({ data }: NodeProps<State>) {
  const Icon = ICONS[data.kind] ?? CircleDot
  return (
    <div
      style={NODE}
      className={cn(
        'flex items-center gap-2 rounded-lg border px-3 text-left',
        STANDINGS[data.standing],
        data.isFirst && 'border-l-4',
      )}
    >
      <Handle type="target" position={Position.Top} isConnectable={false} className="opacity-0" />
      <Icon className="size-4 shrink-0 text-muted" aria-hidden />
      <span className="min-w-0">
        <span className="block truncate text-ink text-xs">{data.id}</span>
        <span className="block truncate font-normal text-2xs text-muted">{data.kind}</span>
      </span>
      <Handle type="source" position={Position.Bottom} isConnectable={false} className="opacity-0" />
    </div>
  )
}

type Transition = Edge<{ [Name in keyof Way]: Way[Name] }>

/** A transition along the way that was laid out for it. */
function TransitionLine({ data, label, markerEnd, style }: EdgeProps<Transition>) {
  const path = (data?.points ?? []).map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${x},${y}`).join(' ')
  return (
    <BaseEdge
      path={path}
      label={label}
      labelX={data?.label?.x ?? 0}
      labelY={data?.label?.y ?? 0}
      labelStyle={{ fill: 'var(--muted)', fontSize: 11 }}
      labelBgStyle={{ fill: 'var(--surface)' }}
      {...(markerEnd ? { markerEnd } : {})}
      {...(style ? { style } : {})}
    />
  )
}

const NODE_TYPES = { state: StateBox }
const EDGE_TYPES = { transition: TransitionLine }

export interface GraphProps {
  readonly definition: unknown
  readonly standings?: ReadonlyMap<string, Standing>
}

/** The states of a workflow and the ways between them; in a run, where it is and where it has been. */
export default function Graph({ definition, standings }: GraphProps) {
  const graph = useMemo(() => graphOf(definition), [definition])
  const [layout, setLayout] = useState<Layout | null>(null)
  const [error, setError] = useState<unknown>(null)
  useEffect(() => {
    let stale = false
    layoutOf(graph).then(
      (found) => !stale && setLayout(found),
      (thrown: unknown) => !stale && setError(thrown),
    )
    return () => {
      stale = true
    }
  }, [graph])

  const nodes = useMemo<State[]>(
    () =>
      graph.nodes.map((node) => ({
        id: node.id,
        type: 'state',
        position: layout?.places.get(node.id) ?? { x: 0, y: 0 },
        data: { ...node, standing: standings?.get(node.id) ?? 'untouched' },
        ...NODE,
      })),
    [graph, layout, standings],
  )
  const edges = useMemo<Transition[]>(
    () =>
      graph.edges.map(({ id, source, target, label }) => ({
        id,
        source,
        target,
        label,
        type: 'transition',
        data: { ...(layout?.ways.get(id) ?? { points: [], label: null }) },
        markerEnd: { type: MarkerType.ArrowClosed, color: 'var(--faint)' },
        style: { stroke: 'var(--faint)' },
      })),
    [graph, layout],
  )
  if (error) return <p className="p-4 text-muted text-sm">The graph could not be drawn: {messageOf(error)}</p>
  if (!layout) return <Skeleton className="m-4 h-40" />
  return (
    <ReactFlow
      nodes={nodes}
      edges={edges}
      nodeTypes={NODE_TYPES}
      edgeTypes={EDGE_TYPES}
      fitView
      fitViewOptions={{ padding: 0.08, maxZoom: 1.1 }}
      minZoom={0.2}
      maxZoom={1.5}
      nodesDraggable={false}
      nodesConnectable={false}
      nodesFocusable={false}
      edgesFocusable={false}
      elementsSelectable={false}
      disableKeyboardA11y
      zoomOnScroll={false}
      zoomOnDoubleClick={false}
      preventScrolling={false}
      proOptions={{ hideAttribution: true }}
    >
      <Background color="var(--line)" gap={18} />
    </ReactFlow>
  )
}
