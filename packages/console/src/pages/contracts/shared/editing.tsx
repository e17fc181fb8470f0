import { CircleCheck, FileUp, OctagonAlert, TriangleAlert, Wrench } from 'lucide-react'
import { type ChangeEvent, useId, useRef } from 'react'
import { Button } from '../../../ui/button.tsx'
import { cn } from '../../../ui/cn.ts'
import { Kbd } from '../../../ui/kbd.tsx'
import { plural } from '../../../ui/plural.ts'
import type { Issue } from '../issues.ts'

export type { EditorHandle } from '../editor.tsx'
export { byPlace, type Issue, issueOfContract, issuesOf } from '../issues.ts'
export { LazyEditor } from '../lazy-editor.tsx'

/** How many problems a text has, and of which kind. */
export function CheckVerdict({ errors, warnings, checked }: { errors: number; warnings: number; checked: boolean }) {
  const words = [errors > 0 && plural(errors, 'error'), warnings > 0 && plural(warnings, 'warning')]
    .filter(Boolean)
    .join(', ')
  return (
    <p role="status" className="flex min-w-0 flex-1 items-center gap-2 truncate text-sm">
      {errors > 0 ? (
        <OctagonAlert className="size-4 text-deny" aria-hidden />
      ) : warnings > 0 ? (
        <TriangleAlert className="size-4 text-ask" aria-hidden />
      ) : (
        checked && <CircleCheck className="size-4 text-allow" aria-hidden />
      )}
      {words ||
        (checked ? <span className="text-muted">Valid</span> : <span className="text-faint">Checked as you type</span>)}
    </p>
  )
}

/** Takes the text from a file. */
export function FileButton({ label, onFile }: { label: string; onFile: (file: File | undefined) => void }) {
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <input
        ref={input}
        id={id}
        type="file"
        accept=".yaml,.yml,text/yaml,application/x-yaml"
        className="sr-only"
        tabIndex={-1}
        aria-label={label}
        onChange={(event: ChangeEvent<HTMLInputElement>) => {
          onFile(event.target.files?.[0])
          event.target.value = ''
        }}
      />
      <Button variant="quiet" size="sm" onClick={() => input.current?.click()}>
        <FileUp aria-hidden /> Open file
      </Button>
    </>
  )
}

interface IssueListProps {
  readonly issues: readonly Issue[]
  readonly onPick: (issue: Issue) => void
  /** What could be done about it, in words; null where nothing is offered. */
  readonly fixFor?: (issue: Issue) => string | null
  readonly onFix?: (issue: Issue) => void
}

/** The problems of a text; each leads to its place, and to what its hint offers. */
export function IssueList({ issues, onPick, fixFor, onFix }: IssueListProps) {
  if (issues.length === 0) return null
  return (
    <ul aria-label="Problems" className="max-h-44 shrink-0 divide-y overflow-y-auto border-t bg-sunken">
      {issues.map((issue) => {
        const fix = fixFor?.(issue) ?? null
        return (
          <li
            key={`${issue.line}:${issue.column} ${issue.path} ${issue.message}`}
            className="flex flex-wrap items-center justify-end hover:bg-hover"
          >
            <button
              type="button"
              onClick={() => onPick(issue)}
              className="flex min-w-0 flex-1 items-baseline gap-3 px-4 py-1.5 text-left text-sm focus-visible:-outline-offset-2 max-sm:basis-full"
            >
              <span
                className={cn(
                  'tabular w-14 shrink-0 font-mono text-xs',
                  issue.severity === 'error' ? 'text-deny' : 'text-ask',
                )}
              >
                {issue.line === null ? '–' : `${issue.line}:${issue.column ?? 1}`}
              </span>
              <span className="min-w-0 break-words">
                {issue.message}
                {issue.path && <code className="ml-2 font-mono text-faint text-xs">{issue.path}</code>}
                {issue.hint && <span className="block text-muted text-xs">{issue.hint}</span>}
              </span>
            </button>
            {fix && (
              <Button size="sm" className="mx-3 my-1 min-w-0 max-w-full shrink" onClick={() => onFix?.(issue)}>
                <Wrench aria-hidden />
                <span className="truncate">{fix}</span>
              </Button>
            )}
          </li>
        )
      })}
    </ul>
  )
}

const EDITOR_KEYS = [
  ['Ctrl Space', 'what may stand here'],
  ['Ctrl I', 'what this is'],
  ['Ctrl .', 'do what is offered'],
  ['F8', 'next problem'],
] as const

/** The keys of an editor that helps with the language: nobody guesses them. */
export function EditorKeys() {
  return (
    <p className="flex flex-wrap gap-x-4 gap-y-1 text-muted text-xs max-sm:hidden">
      {EDITOR_KEYS.map(([keys, words]) => (
        <span key={keys} className="inline-flex items-center gap-1.5">
          <Kbd keys={keys} /> {words}
        </span>
      ))}
    </p>
  )
}
