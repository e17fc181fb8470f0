import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { queries } from '../../api/queries.ts'
import { cn } from '../../ui/cn.ts'
import { messageOf, Skeleton } from '../../ui/states.tsx'
import { type DiffRow, diffLines, foldSame } from './diff.ts'

const CONTEXT = 2
const LOOK = { same: '', added: 'bg-allow-soft text-allow', removed: 'bg-deny-soft text-deny' } as const
const SIGN = { same: ' ', added: '+', removed: '−' } as const

/** What a deployment changes, line by line, in a box that never changes its size. */
export function Changes({ name, from, to }: { name: string; from: number; to: number }) {
  const before = useQuery(queries.yaml(name, from))
  const after = useQuery(queries.yaml(name, to))
  const rows = useMemo(
    () =>
      before.data !== undefined && after.data !== undefined
        ? foldSame(diffLines(before.data, after.data), CONTEXT)
        : null,
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
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <div tabIndex={0} className="h-44 overflow-auto rounded-md border bg-sunken font-mono text-xs leading-5">
        {error ? (
          <p className="p-3 text-deny">{messageOf(error)}</p>
        ) : rows === null ? (
          <Skeleton className="m-3 h-3 w-48" />
        ) : count('added') + count('removed') === 0 ? (
          <p className="p-3 text-muted">The text is the same.</p>
        ) : (
          <div className="w-max min-w-full py-1">
            {rows.map((row, index) =>
              row.kind === 'gap' ? (
                // biome-ignore lint/suspicious/noArrayIndexKey: rows of a comparison never move
                <div key={index} className="px-3 text-faint">
                  ⋯ {row.count} {row.count === 1 ? 'line' : 'lines'}
                </div>
              ) : (
                // biome-ignore lint/suspicious/noArrayIndexKey: rows of a comparison never move
                <div key={index} className={cn('flex gap-3 whitespace-pre px-3', LOOK[row.kind])}>
                  <span aria-hidden className="w-7 shrink-0 select-none text-right opacity-60">
                    {row.line}
                  </span>
                  <span className="select-none">{SIGN[row.kind]}</span>
                  <span>{row.text}</span>
                </div>
              ),
            )}
          </div>
        )}
      </div>
    </section>
  )
}
