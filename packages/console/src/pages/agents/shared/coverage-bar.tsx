interface CoverageBarProps {
  readonly enforced: number
  readonly observed: number
  readonly ungoverned: number
}

/** How many of an agent's tools its contracts govern: a bar, and the words. */
export function CoverageBar({ enforced, observed, ungoverned }: CoverageBarProps) {
  const total = enforced + observed + ungoverned
  const words = [
    `${enforced} enforced`,
    ...(observed > 0 ? [`${observed} observed`] : []),
    ...(ungoverned > 0 ? [`${ungoverned} ungoverned`] : []),
  ].join(', ')
  const part = (count: number, className: string) =>
    count > 0 && <span className={className} style={{ width: `${(100 * count) / total}%` }} />
  return (
    <span className="flex min-w-0 items-center gap-2" title={`Of ${total} tools: ${words}`}>
      <span aria-hidden className="flex h-1.5 w-16 shrink-0 gap-px overflow-hidden rounded-full bg-sunken">
        {part(enforced, 'bg-allow')}
        {part(observed, 'bg-chart-observe')}
        {part(ungoverned, 'bg-chart-deny')}
      </span>
      <span className="tabular truncate text-muted text-xs">
        <span className="sr-only">{words}</span>
        <span aria-hidden>
          {enforced} of {total}
        </span>
      </span>
    </span>
  )
}
