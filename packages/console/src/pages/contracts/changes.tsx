import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { type DiffRow, diffLines } from '../../ui/diff.ts'
import { DiffLines, folded } from '../../ui/diff-lines.tsx'
import { messageOf, Skeleton } from '../../ui/states.tsx'
import { bundleQueries } from './queries.ts'

/** What a deployment changes, line by line, in a box that never changes its size. */
export function Changes({ name, from, to }: { name: string; from: number; to: number }) {
  const before = useQuery(bundleQueries.yaml(name, from))
  const after = useQuery(bundleQueries.yaml(name, to))
  const rows = useMemo(
    () => (before.data !== undefined && after.data !== undefined ? folded(diffLines(before.data, after.data)) : null),
    [before.data, after.data],
  )
  const error = before.error ?? after.error
  const count = (kind: DiffRow['kind']) => rows?.filter((row) => row.kind === kind).length ?? 0
  return (
    <section aria-label={`Changes from version ${from} to ${to}`} className="mt-3">
      <h3 className="mb-1.5 flex justify-between font-medium text-sm">
        <span>
          v{from} → v{to}
        </span>
        {rows && (
          <span className="tabular font-normal text-muted text-xs">
            {count('added')} added, {count('removed')} removed
          </span>
        )}
      </h3>
      {error ? (
        <p className="h-44 rounded-md border bg-sunken p-3 text-deny text-sm">{messageOf(error)}</p>
      ) : rows === null ? (
        <div className="h-44 rounded-md border bg-sunken p-3">
          <Skeleton className="h-3 w-48" />
        </div>
      ) : count('added') + count('removed') === 0 ? (
        <p className="h-44 rounded-md border bg-sunken p-3 text-muted text-sm">The text is the same.</p>
      ) : (
        <DiffLines rows={rows} label="Changed lines" className="h-44" />
      )}
    </section>
  )
}
