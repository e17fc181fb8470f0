import { Check, Minus, TriangleAlert } from 'lucide-react'
import { Badge } from '../../../ui/badge.tsx'
import { visible } from '../../../ui/visible.ts'
import type { Leaf, Reason } from './reasons.ts'

/** Characters of a value that are shown. */
const SHOWN = 160

/** Every contract that concerns a call, whether it fires, and what each part of its condition saw. */
export function ReasonList({ reasons }: { reasons: readonly Reason[] }) {
  return (
    <ul aria-label="Contracts that concern the call" className="divide-y rounded-md border bg-sunken">
      {reasons.map((reason) => (
        <Row key={`${reason.type} ${reason.id}`} reason={reason} />
      ))}
    </ul>
  )
}

function Row({ reason }: { reason: Reason }) {
  return (
    <li className="px-3 py-1.5 text-sm">
      <p className="flex flex-wrap items-center gap-x-2">
        <span className="min-w-0 break-all">{visible(reason.id)}</span>
        <span className="text-muted text-xs">{reason.type}</span>
        {reason.mode === 'observe' && <Badge tone="observe">observe</Badge>}
        <span className="ml-auto">
          {reason.fired ? <Badge tone="deny">fires</Badge> : <Badge>does not fire</Badge>}
        </span>
      </p>
      {reason.leaves.length > 0 && (
        <ul className="mt-1 flex flex-col gap-0.5">
          {reason.leaves.map((leaf, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a condition never move
            <LeafRow key={index} leaf={leaf} />
          ))}
        </ul>
      )}
    </li>
  )
}

function LeafRow({ leaf }: { leaf: Leaf }) {
  const json = (value: unknown) => visible((JSON.stringify(value) ?? 'nothing').slice(0, SHOWN))
  return (
    <li className="flex items-start gap-1.5 text-xs [&_svg]:mt-0.5 [&_svg]:size-3 [&_svg]:shrink-0">
      {leaf.result === null ? (
        <TriangleAlert className="text-ask" aria-label="could not be judged" />
      ) : leaf.result ? (
        <Check className="text-deny" aria-label="holds" />
      ) : (
        <Minus className="text-faint" aria-label="does not hold" />
      )}
      <code className="min-w-0 font-mono [overflow-wrap:anywhere]">
        {leaf.selector} {leaf.operator} {json(leaf.argument)}
        <span className="block text-muted">
          {leaf.error ?? (leaf.isPresent ? `it is ${json(leaf.value)}` : 'it is not there')}
        </span>
      </code>
    </li>
  )
}
