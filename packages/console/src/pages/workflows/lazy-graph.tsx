import { type ComponentProps, Suspense } from 'react'
import { lazily } from '../../ui/lazy.tsx'
import { Skeleton } from '../../ui/states.tsx'
import { graphOf } from './graph-model.ts'

const Graph = lazily(() => import('./graph.tsx').then((file) => file.default))

/** The graph comes when it is shown: what draws it and lays it out is larger than all pages. In words it is there at once. */
export function LazyGraph(props: ComponentProps<typeof Graph>) {
  const { nodes, edges } = graphOf(props.definition)
  return (
    <>
      <div aria-hidden className="h-[max(22rem,min(34rem,58vh))]">
        <Suspense fallback={<Skeleton className="m-4 h-40" />}>
          <Graph {...props} />
        </Suspense>
      </div>
      <ul aria-label="States" className="sr-only">
        {nodes.map(({ id, kind }) => (
          <li key={id}>
            {id}, {kind}
            {props.standings?.get(id) === 'current' && ', the run is here'}
            {props.standings?.get(id) === 'left' && ', done'}
            {edges
              .filter(({ source }) => source === id)
              .map(({ target, label }) => `; ${label || 'then'}: ${target}`)
              .join('')}
          </li>
        ))}
      </ul>
    </>
  )
}
