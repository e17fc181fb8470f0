import type { ContractIssue } from '@lictor/contracts'
import { style } from '../../terminal/style.ts'

const WIDEST_LINE = 160

/**
 * An issue as compilers show theirs: place, message, the line, a caret below the column, the hint.
 *
 * @param lines the file, line by line
 */
export function issueLines(
  path: string,
  lines: readonly string[],
  { line, column, message, hint, path: within }: ContractIssue,
  severity: 'error' | 'warning',
): readonly string[] {
  const place = line === null ? path : `${path}:${line}:${column ?? 1}`
  const mark = severity === 'error' ? style('red', 'error') : style('yellow', 'warning')
  const shown = [`${place}: ${mark}: ${message}`]
  const text = line === null ? undefined : lines[line - 1]
  if (text !== undefined) shown.push(...excerpt(String(line), text, (column ?? 1) - 1))
  else if (within !== '') shown.push(`  at ${within}`)
  if (hint !== undefined) shown.push(`  ${style('cyan', 'hint')}: ${hint}`)
  return shown
}

function excerpt(number: string, text: string, column: number): string[] {
  const characters = Array.from(text)
  // A caret far to the right is worth nothing when the line wraps: show the part around it.
  const from = column < WIDEST_LINE - 40 ? 0 : column - 40
  const part = characters.slice(from, from + WIDEST_LINE)
  const before = part.slice(0, column - from).map((character) => (character === '\t' ? '\t' : ' '))
  const gutter = ' '.repeat(number.length)
  return [
    `  ${style('dim', `${number} |`)} ${part.join('')}`,
    `  ${style('dim', `${gutter} |`)} ${before.join('')}${style('red', '^')}`,
  ]
}

/** An issue as `--output json` tells it. */
export function issueToWire({ code, path, line, column, message, hint }: ContractIssue) {
  return { code, path, line, column, message, ...(hint === undefined ? {} : { hint }) }
}
