import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Failure, SkeletonRows } from './states.tsx'

interface LoadedProps<Data> {
  readonly query: UseQueryResult<Data>
  readonly rows?: number
  readonly children: (data: Data) => ReactNode
}

/** What a read brought; its place while it is under way, and what went wrong when it failed before anything came. */
export function Loaded<Data>({ query, rows = 3, children }: LoadedProps<Data>): ReactNode {
  if (query.data !== undefined) return children(query.data)
  if (query.isError) return <Failure error={query.error} retry={() => void query.refetch()} />
  return <SkeletonRows rows={rows} />
}
