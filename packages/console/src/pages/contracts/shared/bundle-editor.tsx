import { type ReactNode, type RefObject, useMemo, useRef } from 'react'
import { cn } from '../../../ui/cn.ts'
import { byPlace, type Issue } from '../issues.ts'
import { fixOf } from '../language/fixes.ts'
import { type Frame, framed, issueOutOfFrame } from '../language/frame.ts'
import type { Seen } from '../language/suggest.ts'
import { useBrowserCheck } from '../use-browser-check.ts'
import { CheckVerdict, type EditorHandle, IssueList, LazyEditor } from './editing.tsx'

interface BundleEditorProps {
  readonly text: string
  readonly onChange: (text: string) => void
  readonly seen: Seen
  readonly label: string
  readonly onSubmit?: () => void
  /** The text is a contract, not a bundle: this stands around it. */
  readonly frame?: Frame
  /** What the server said of this very text; until it is changed, this is shown. */
  readonly refused?: readonly Issue[] | undefined
  /** Which of the problems found in the browser count. */
  readonly counts?: (issue: Issue) => boolean
  readonly editor?: RefObject<EditorHandle | null>
  readonly autoFocus?: boolean
  /** Beside the verdict. */
  readonly head?: ReactNode
  readonly className?: string
}

/** Path of the one contract of a frame. */
const FRAMED = 'contracts[0]'

/** Where contracts are written: checked while one types, completed, explained, with what each hint offers. */
export function BundleEditor(props: BundleEditorProps) {
  const {
    text,
    onChange,
    seen,
    label,
    onSubmit,
    frame,
    refused,
    counts,
    editor,
    autoFocus = false,
    head,
    className,
  } = props
  const own = useRef<EditorHandle>(null)
  const handle = editor ?? own
  const check = useBrowserCheck(framed(text, frame))
  const issues = useMemo(() => {
    const found = check.issues.map((issue) => issueOutOfFrame(issue, frame, FRAMED))
    return byPlace(refused ?? (counts ? found.filter(counts) : found))
  }, [refused, check.issues, frame, counts])
  const errors = issues.filter(({ severity }) => severity === 'error').length
  return (
    <div className={cn('flex flex-col', className)}>
      <div className="flex min-h-11 flex-wrap items-center gap-2 border-b pr-2 pl-4">
        <CheckVerdict
          errors={errors}
          warnings={issues.length - errors}
          checked={check.ready || refused !== undefined}
        />
        {head}
      </div>
      <div className="min-h-0 flex-1">
        <LazyEditor
          ref={handle}
          value={text}
          label={label}
          onChange={onChange}
          {...(onSubmit ? { onSubmit } : {})}
          issues={issues}
          seen={seen}
          {...(frame ? { frame } : {})}
          autoFocus={autoFocus}
        />
      </div>
      <IssueList
        issues={issues}
        onPick={(issue) => handle.current?.reveal(issue)}
        fixFor={(issue) => fixOf(text, issue)?.label ?? null}
        onFix={(issue) => handle.current?.fix(issue)}
      />
    </div>
  )
}
