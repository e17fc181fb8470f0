import { Suspense } from 'react'
import { lazily } from './lazy.tsx'
import { Skeleton } from './states.tsx'

export interface ChartSeries {
  readonly label: string
  /** A colour of `index.css`, `--chart-deny` for example. */
  readonly colour: string
  /** One for each time; null where nothing is known. */
  readonly values: readonly (number | null)[]
}

export interface ChartProps {
  /** What it shows, for screen readers, with the sum of it. */
  readonly label: string
  /** Milliseconds since 1970, rising. */
  readonly times: readonly number[]
  readonly series: readonly ChartSeries[]
  readonly bars?: boolean
  /** How a value is written at the axis. */
  readonly format?: (value: number) => string
}

/** The library that draws is fetched with the first chart. */
const Drawn = lazily(() => import('./chart-drawn.tsx').then((file) => file.ChartDrawn))

/** Values over time. */
export function Chart(props: ChartProps) {
  return (
    <Suspense fallback={<Skeleton className="h-44 w-full" />}>
      <Drawn {...props} />
    </Suspense>
  )
}
