import { CircleCheck, FileUp, OctagonAlert, TriangleAlert } from 'lucide-react'
import { type ChangeEvent, useId, useRef } from 'react'
import { Button } from '../../../ui/button.tsx'
import { cn } from '../../../ui/cn.ts'
import { plural } from '../../../ui/plural.ts'
import type { Issue } from '../issues.ts'

export type { EditorHandle } from '../editor.tsx'
export { byPlace, type Issue, issuesOf } from '../issues.ts'
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

/** The problems of a text; each leads to its place. */
export function IssueList({ issues, onPick }: { issues: readonly Issue[]; onPick: (issue: Issue) => void }) {
  if (issues.length === 0) return null
  return (
    <ul aria-label="Problems" className="max-h-44 shrink-0 divide-y overflow-y-auto border-t bg-sunken">
      {issues.map((issue) => (
        <li key={`${issue.line}:${issue.column} ${issue.path} ${issue.message}`}>
          <button
            type="button"
            onClick={() => onPick(issue)}
            className="flex w-full items-baseline gap-3 px-4 py-1.5 text-left text-sm hover:bg-hover focus-visible:-outline-offset-2"
          >
            <span
              className={cn(
                'tabular w-14 shrink-0 font-mono text-xs',
                issue.severity === 'error' ? 'text-deny' : 'text-ask',
              )}
            >
              {issue.line === null ? '–' : `${issue.line}:${issue.column ?? 1}`}
            </span>
            <span className="min-w-0">
              {issue.message}
              {issue.path && <code className="ml-2 font-mono text-faint text-xs">{issue.path}</code>}
              {issue.hint && <span className="block text-muted text-xs">{issue.hint}</span>}
            </span>
          </button>
        </li>
      ))}
    </ul>
  )
}
