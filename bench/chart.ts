/** The figures that have a goal as one SVG: each bar is how much of the goal was used or left, on a logarithmic scale. */
import { type Figure, isMet, type Outcome } from './figures.ts'

const WIDTH = 880
const LABEL = 400
const ROW = 22
const TOP = 54
/** A bar that ends at `SPAN` times better or worse than the goal fills its half. */
const SPAN = 100

/** Bars to the right of the line are better than the goal, to the left worse. Readable on light and on dark. */
export function chart(outcomes: Readonly<Record<string, Outcome>>): string {
  const rows = Object.values(outcomes)
    .flatMap(({ figures }) => figures)
    .flatMap((figure) => {
      const margin = marginOf(figure)
      return margin === null ? [] : [{ figure, margin }]
    })
  const middle = LABEL + (WIDTH - LABEL) / 2
  const half = (WIDTH - LABEL) / 2 - 60
  const bars = rows.map(({ figure, margin }, index) => {
    const length = Math.max(2, Math.min(1, Math.abs(Math.log10(margin)) / Math.log10(SPAN)) * half)
    const isBetter = margin >= 1
    const y = TOP + index * ROW
    const start = isBetter ? middle : middle - length
    const text = `${margin >= 1 ? `${short(margin)}x better` : `${short(1 / margin)}x worse`}`
    const textAt = isBetter ? start + length + 6 : start - 6
    return [
      `<text x="${LABEL - 12}" y="${y + 14}" text-anchor="end">${escaped(figure.what)}</text>`,
      `<rect x="${start.toFixed(1)}" y="${y + 4}" width="${length.toFixed(1)}" height="13" rx="2" fill="${isMet(figure) ? '#2f9e63' : '#d9633b'}"/>`,
      `<text x="${textAt.toFixed(1)}" y="${y + 14}" ${isBetter ? '' : 'text-anchor="end"'}>${text}</text>`,
    ].join('\n')
  })
  const height = TOP + rows.length * ROW + 16
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="Each figure against its goal">
<style>text{fill:#1d2430}line{stroke:#8a93a3}rect.page{fill:#ffffff}@media(prefers-color-scheme:dark){text{fill:#e6e9ef}rect.page{fill:#12161d}}</style>
<rect class="page" width="${WIDTH}" height="${height}"/>
<text x="16" y="22" font-size="15" font-weight="600">Each figure against its goal (logarithmic; right of the line is better)</text>
<text x="${middle}" y="44" text-anchor="middle">goal</text>
${bars.join('\n')}
<line x1="${middle}" x2="${middle}" y1="48" y2="${height - 10}"/>
</svg>
`
}

function marginOf({ value, goal }: Figure): number | null {
  if (goal === undefined || value <= 0) return null
  return 'atMost' in goal ? goal.atMost / value : value / goal.atLeast
}

function short(value: number): string {
  return value >= 10 ? String(Math.round(value)) : value.toFixed(1)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
