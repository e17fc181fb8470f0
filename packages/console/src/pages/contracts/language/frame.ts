import type { Issue } from '../issues.ts'

/** What stands around a text that is a part of a bundle: it is checked, completed and explained in its place. */
export interface Frame {
  /** Ends with a line break. */
  readonly head: string
  /** Blanks before each line of the part. */
  readonly indent: number
}

/** The whole that a part is checked as; without a frame the text is the whole. */
export const framed = (text: string, frame: Frame | undefined): string =>
  frame
    ? frame.head +
      text
        .split('\n')
        .map((line) => ' '.repeat(frame.indent) + line)
        .join('\n')
    : text

/** An offset of the part in the whole. */
export const inFrame = (text: string, offset: number, frame: Frame | undefined): number =>
  frame ? frame.head.length + offset + frame.indent * text.slice(0, offset).split('\n').length : offset

/** Lines that are written into the whole, as lines of the part. */
export const outOfFrame = (written: string, frame: Frame | undefined): string =>
  frame ? written.replaceAll(`\n${' '.repeat(frame.indent)}`, '\n') : written

/** An issue of the whole, at its place in the part; about all of it where it has no place there. */
export function issueOutOfFrame(issue: Issue, frame: Frame | undefined, path: string): Issue {
  if (!frame || issue.line === null) return issue
  const line = issue.line - (frame.head.split('\n').length - 1)
  const isInside = line >= 1
  return {
    ...issue,
    line: isInside ? line : null,
    column: isInside && issue.column !== null ? Math.max(1, issue.column - frame.indent) : null,
    path: issue.path === path ? '' : issue.path.startsWith(`${path}.`) ? issue.path.slice(path.length + 1) : issue.path,
  }
}
