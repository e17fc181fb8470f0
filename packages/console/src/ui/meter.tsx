import { cn } from './cn.ts'

interface MeterProps {
  readonly label: string
  readonly used: number
  /** Null: nothing limits it. */
  readonly limit: number | null
  /** How a number is written; grouped by thousands otherwise. */
  readonly format?: (value: number) => string
}

const grouped = new Intl.NumberFormat()

/** How much of a limit is used up: amber from four fifths on, red when there is nothing left. */
export function Meter({ label, used, limit, format = (value) => grouped.format(value) }: MeterProps) {
  const share = limit === null ? 0 : limit === 0 ? 1 : Math.min(1, used / limit)
  const words = limit === null ? `${format(used)}, no limit` : `${format(used)} of ${format(limit)}`
  return (
    <div>
      <div className="mb-1 flex flex-wrap justify-between gap-x-3 text-sm">
        <span className="min-w-0 break-words">{label}</span>
        <span className="tabular text-muted">{words}</span>
      </div>
      {limit !== null && (
        // biome-ignore lint/a11y/useSemanticElements: browsers do not let the bar of a <meter> be coloured alike
        <div
          role="meter"
          aria-label={label}
          aria-valuemin={0}
          aria-valuemax={limit}
          aria-valuenow={Math.min(used, limit)}
          aria-valuetext={words}
          className="h-1.5 overflow-hidden rounded-full bg-sunken"
        >
          <div
            className={cn(
              'h-full rounded-full forced-colors:bg-[Highlight]',
              share >= 1 ? 'bg-deny' : share >= 0.8 ? 'bg-ask' : 'bg-accent',
            )}
            style={{ width: `${share * 100}%` }}
          />
        </div>
      )}
    </div>
  )
}
