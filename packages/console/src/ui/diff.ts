/** One line of a comparison; numbers count from 1 in the text the line is of. */
export interface DiffLine {
  readonly kind: 'same' | 'added' | 'removed'
  readonly text: string
  readonly line: number
}

/** Lines between two changes that are left out, or a line. */
export type DiffRow = DiffLine | { readonly kind: 'gap'; readonly count: number }

/** Beyond this many differing lines on either side a comparison line by line helps nobody and costs memory. */
const LARGEST = 2_000

/** Longest common subsequence of lines. What is equal at both ends is set aside first, so an edit costs by its size. */
export function diffLines(before: string, after: string): readonly DiffLine[] {
  const a = before.split('\n')
  const b = after.split('\n')
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++
  const same = (from: number, to: number): DiffLine[] =>
    b.slice(from, to).map((text, i) => ({ kind: 'same', text, line: from + i + 1 }))
  return [
    ...same(0, head),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail), head),
    ...same(b.length - tail, b.length),
  ]
}

function middle(a: readonly string[], b: readonly string[], offset: number): readonly DiffLine[] {
  const removed = (i: number): DiffLine => ({ kind: 'removed', text: a[i] ?? '', line: offset + i + 1 })
  const added = (j: number): DiffLine => ({ kind: 'added', text: b[j] ?? '', line: offset + j + 1 })
  if (a.length > LARGEST || b.length > LARGEST) return [...a.map((_, i) => removed(i)), ...b.map((_, j) => added(j))]

  const width = b.length + 1
  const common = new Uint16Array((a.length + 1) * width)
  const at = (i: number, j: number) => common[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))

  const lines: DiffLine[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: 'same', text: b[j] ?? '', line: offset + j + 1 })
      i++
      j++
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) lines.push(removed(i++))
    else lines.push(added(j++))
  }
  return lines
}

/** Only the changes with `context` lines around each; what lies between becomes a gap. */
export function foldSame(lines: readonly DiffLine[], context: number): readonly DiffRow[] {
  const near = new Uint8Array(lines.length)
  lines.forEach((line, index) => {
    if (line.kind !== 'same') near.fill(1, Math.max(0, index - context), index + context + 1)
  })
  const rows: DiffRow[] = []
  let skipped = 0
  const flush = () => {
    if (skipped > 0) rows.push({ kind: 'gap', count: skipped })
    skipped = 0
  }
  lines.forEach((line, index) => {
    if (near[index] === 0) {
      skipped++
      return
    }
    flush()
    rows.push(line)
  })
  flush()
  return rows
}
