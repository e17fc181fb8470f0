import { cn } from './cn.ts'
import { type DiffRow, foldSame } from './diff.ts'
import { visible } from './visible.ts'

const LOOK = { same: '', added: 'bg-allow-soft text-allow', removed: 'bg-deny-soft text-deny' } as const
const SIGN = { same: ' ', added: '+', removed: '−' } as const
/** Unchanged lines shown around a change. */
const CONTEXT = 2

/** Two texts compared line by line, in a box that scrolls. Long lines are broken: what stands beside the box is not read. */
export function DiffLines({ rows, label, className }: { rows: readonly DiffRow[]; label: string; className?: string }) {
  return (
    <section
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label={label}
      className={cn('overflow-auto rounded-md border bg-sunken font-mono text-xs leading-5', className)}
    >
      <div className="py-1">
        {rows.map((row, index) =>
          row.kind === 'gap' ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows of a comparison never move
            <div key={index} className="px-3 text-muted">
              ⋯ {row.count} {row.count === 1 ? 'line' : 'lines'}
            </div>
          ) : (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows of a comparison never move
            <div key={index} className={cn('flex gap-3 px-3', LOOK[row.kind])}>
              <span aria-hidden className="w-7 shrink-0 select-none text-right">
                {row.line}
              </span>
              <span className="select-none">{SIGN[row.kind]}</span>
              <span className="min-w-0 whitespace-pre-wrap [overflow-wrap:anywhere]">{visible(row.text)}</span>
            </div>
          ),
        )}
      </div>
    </section>
  )
}

export const folded = (rows: Parameters<typeof foldSame>[0]): readonly DiffRow[] => foldSame(rows, CONTEXT)
