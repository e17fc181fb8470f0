import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { ChartProps } from './chart.tsx'
import { useTheme } from './theme.ts'

const HEIGHT = 176
const grouped = new Intl.NumberFormat(undefined, { notation: 'compact' })

/** Drawn anew when what is shown or the theme changes; follows the width of where it stands. */
export function ChartDrawn({
  label,
  times,
  series,
  bars = false,
  format = (value) => grouped.format(value),
}: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const theme = useTheme()
  // As text: a list that was read again and is the same draws nothing.
  const content = JSON.stringify([times, series])
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme decides what the colours' names mean
  useEffect(() => {
    const target = place.current
    if (!target) return
    const [at, lines] = JSON.parse(content) as [number[], ChartProps['series']]
    const colours = getComputedStyle(document.documentElement)
    const axis = {
      stroke: colours.getPropertyValue('--muted'),
      grid: { stroke: colours.getPropertyValue('--line'), width: 1 },
    }
    const plot = new uPlot(
      {
        width: target.clientWidth,
        height: HEIGHT,
        cursor: { drag: { x: false, y: false } },
        legend: { show: lines.length > 1, live: false },
        scales: { y: { range: (_plot, _least, most) => [0, Math.max(1, most * 1.1)] } },
        axes: [axis, { ...axis, size: 52, values: (_plot, values) => values.map(format) }],
        series: [
          {},
          ...lines.map(({ label: name, colour }): uPlot.Series => {
            const stroke = colours.getPropertyValue(colour)
            const paths = bars ? uPlot.paths.bars?.({ size: [0.8, 40] }) : undefined
            return {
              label: name,
              stroke,
              width: bars ? 0 : 2,
              points: { show: false },
              ...(bars ? { fill: stroke } : {}),
              ...(paths ? { paths } : {}),
            }
          }),
        ],
      },
      [at.map((time) => time / 1_000), ...lines.map(({ values }) => [...values])],
      target,
    )
    const follow = new ResizeObserver(() => plot.setSize({ width: target.clientWidth, height: HEIGHT }))
    follow.observe(target)
    return () => {
      follow.disconnect()
      plot.destroy()
    }
  }, [content, bars, format, theme])
  return (
    <div
      ref={place}
      role="img"
      aria-label={label}
      className="w-full overflow-hidden text-xs [&_.u-legend_th]:font-normal!"
      style={{ minHeight: HEIGHT }}
    />
  )
}
