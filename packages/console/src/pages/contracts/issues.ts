import type { ContractIssue } from '@lictor/contracts'
import { ApiError, readableProblem } from '../../api/http.ts'
import type { Problem } from '../../api/types.ts'

/** Something wrong, or odd, at a place of the text. Lines and columns count from 1; null when it is about the whole. */
export interface Issue {
  readonly severity: 'error' | 'warning'
  readonly message: string
  readonly line: number | null
  readonly column: number | null
  /** For example `contracts[2].then.effect`. */
  readonly path: string
  readonly hint: string | null
}

/** The loader's messages begin alike for machines; beside the line it is noise. */
const PREFIX = /^(?:Schema validation failed|YAML parse error): /

export const withoutPrefix = (message: string) =>
  PREFIX.test(message) ? message.replace(PREFIX, '').replace(/^[a-z]/, (first) => first.toUpperCase()) : message

const PLACE = /\bline (\d+)(?:,? (?:and )?col(?:umn)? (\d+))?/i

/** The server's refusal of an upload, as issues. A place may come as fields or inside the words. */
export function issuesOf(error: unknown): readonly Issue[] {
  if (!(error instanceof ApiError) || error.status !== 422) return []
  return error.problems.length > 0 ? error.problems.map(issueOfProblem) : [issueOfText(error.message)]
}

function issueOfProblem(problem: Problem): Issue {
  const message = withoutPrefix(readableProblem(problem))
  const inWords = issueOfText(message)
  return {
    severity: 'error',
    message,
    line: problem.line ?? inWords.line,
    column: problem.column ?? inWords.column,
    path: problem.path ?? pathOf(problem.loc),
    hint: problem.hint ?? null,
  }
}

/** An issue of the loader, from the browser or from the server. */
type Found = Pick<ContractIssue, 'message' | 'line' | 'column' | 'path'> & { readonly hint?: string | null }

/** What the loader found. */
export const issueOfContract =
  (severity: Issue['severity']) =>
  ({ message, line, column, path, hint }: Found): Issue => ({
    severity,
    message: withoutPrefix(message),
    line,
    column,
    path,
    hint: hint ?? null,
  })

function issueOfText(message: string): Issue {
  const place = PLACE.exec(message)
  return {
    severity: 'error',
    message,
    line: place?.[1] ? Number(place[1]) : null,
    column: place?.[2] ? Number(place[2]) : null,
    path: '',
    hint: null,
  }
}

/** `['body', 'yaml_content', 'contracts', 2, 'id']` → `contracts[2].id`. */
function pathOf(loc: Problem['loc']): string {
  return loc
    .filter((part, index) => !(index === 0 && part === 'body') && part !== 'yaml_content')
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '')
}

/**
 * Where to underline: from the place to the end of that word, at least one character, inside the text.
 * Returns offsets from 0.
 */
export function rangeOf(text: string, issue: Pick<Issue, 'line' | 'column'>): { from: number; to: number } {
  const lines = text.split('\n')
  const index = Math.min(Math.max((issue.line ?? 1) - 1, 0), lines.length - 1)
  const start = lines.slice(0, index).reduce((sum, line) => sum + line.length + 1, 0)
  const line = lines[index] ?? ''
  const indent = line.length - line.trimStart().length
  // Columns count characters, offsets UTF-16 units.
  const before = issue.column
    ? Array.from(line)
        .slice(0, issue.column - 1)
        .join('').length
    : indent
  const column = Math.min(before, Math.max(0, line.length - 1))
  const word = /^[^\s:,\]}]+/.exec(line.slice(column))?.[0].length ?? 1
  const from = Math.max(0, start + column)
  return { from: Math.min(from, text.length), to: Math.min(from + word, text.length) }
}

/** Errors first, then by place. */
export const byPlace = (issues: readonly Issue[]): readonly Issue[] =>
  [...issues].sort(
    (a, b) =>
      Number(a.severity === 'warning') - Number(b.severity === 'warning') ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  )
