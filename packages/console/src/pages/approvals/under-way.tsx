import { RotateCcw, TriangleAlert, Undo2 } from 'lucide-react'
import { Button } from '../../ui/button.tsx'
import { Kbd } from '../../ui/kbd.tsx'
import { visible } from '../../ui/visible.ts'
import type { Act, Deciding } from './deciding.ts'

interface UnderWayProps {
  readonly state: Deciding
  readonly toolOf: (id: string) => string
  readonly act: (act: Act) => void
  /** The server does not answer. */
  readonly away: boolean
}

/** Approvals that can still be taken back, and decisions that were not sent; whatever is selected. */
export function UnderWay({ state, toolOf, act, away }: UnderWayProps) {
  const entries = [...state.decisions].flatMap(([id, decision]) =>
    decision.kind === 'held' || decision.kind === 'failed' ? [{ id, decision }] : [],
  )
  return (
    <div role="status" className="flex shrink-0 flex-col gap-2 empty:hidden">
      {entries.map(({ id, decision }) =>
        decision.kind === 'held' ? (
          <div
            key={id}
            className="relative flex min-h-11 items-center gap-3 overflow-hidden rounded-lg border border-allow/40 bg-allow-soft py-1 pr-1.5 pl-4 text-sm"
          >
            <span className="min-w-0 flex-1 break-words">
              Approving <span className="break-all font-mono">{visible(toolOf(id))}</span>…
            </span>
            <Button size="sm" className="max-sm:h-10" onClick={() => act({ type: 'undo', id })}>
              <Undo2 aria-hidden /> Undo <Kbd keys="U" />
            </Button>
            <span
              aria-hidden
              className="absolute inset-x-0 bottom-0 h-0.5 origin-left animate-drain bg-allow motion-reduce:hidden"
            />
          </div>
        ) : (
          <div
            key={id}
            className="flex min-h-11 items-center gap-3 rounded-lg border border-deny/40 bg-deny-soft py-1 pr-1.5 pl-3 text-sm"
          >
            <TriangleAlert className="size-4 shrink-0 text-deny" aria-hidden />
            <span className="min-w-0 flex-1 break-words">
              <span className="font-medium">Not sent:</span> {decision.approved ? 'approving' : 'denying'}{' '}
              <span className="break-all font-mono">{visible(toolOf(id))}</span>. {decision.why}
            </span>
            <Button size="sm" className="max-sm:h-10" disabled={away} onClick={() => act({ type: 'retry', id })}>
              <RotateCcw aria-hidden /> Send again
            </Button>
          </div>
        ),
      )}
    </div>
  )
}
