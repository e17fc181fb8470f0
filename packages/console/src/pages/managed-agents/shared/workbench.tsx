import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { Button } from '../../../ui/button.tsx'
import { drafts } from '../../../ui/draft.ts'
import { Kbd } from '../../../ui/kbd.tsx'
import { Card } from '../../../ui/page.tsx'
import { messageOf } from '../../../ui/states.tsx'
import { useUnloadGuard } from '../../../ui/unload-guard.ts'
import {
  byPlace,
  CheckVerdict,
  type EditorHandle,
  FileButton,
  type Issue,
  IssueList,
  issuesOf,
  LazyEditor,
} from '../../contracts/shared/editing.tsx'

interface WorkbenchProps {
  /** What is written is kept for the tab under this name. */
  readonly name: string
  readonly initial: string
  readonly label: string
  /** Problems of a text, found in the browser. */
  readonly check: (text: string) => Promise<readonly Issue[]>
  readonly action: string
  /** Sends the text; what it throws is shown, at its place where it names one. */
  readonly onSubmit: (text: string) => Promise<void>
  /** Beside the button. */
  readonly options?: ReactNode
}

/** Milliseconds of rest before a text is checked. */
const REST = 150

/** A manifest is written or dropped here, checked while one types, and sent. */
export function Workbench({ name, initial, label, check, action, onSubmit, options }: WorkbenchProps) {
  const [restored] = useState(() => drafts.read(name))
  const [text, setText] = useState(restored ?? initial)
  const isDirty = text !== initial
  useEffect(() => drafts.write(name, isDirty ? text : null), [name, text, isDirty])
  const [state, setState] = useState<'still' | 'sending' | 'sent'>('still')
  useUnloadGuard(isDirty && state !== 'sent')
  const [refused, setRefused] = useState<{ text: string; issues: readonly Issue[]; error: unknown } | null>(null)
  const [checked, setChecked] = useState<readonly Issue[] | null>(null)
  const editor = useRef<EditorHandle>(null)

  useEffect(() => {
    let stale = false
    const timer = setTimeout(() => {
      check(text).then(
        (issues) => !stale && setChecked(issues),
        // The reader did not come: the server will say what is wrong.
        () => !stale && setChecked(null),
      )
    }, REST)
    return () => {
      stale = true
      clearTimeout(timer)
    }
  }, [check, text])

  // The server's words are about the text it was sent; after an edit only the check in the browser speaks.
  const isRefused = refused !== null && refused.text === text
  const issues = useMemo(
    () => byPlace(isRefused && refused.issues.length > 0 ? refused.issues : (checked ?? [])),
    [isRefused, refused, checked],
  )
  const errors = issues.filter(({ severity }) => severity === 'error').length
  const submit = async () => {
    if (state === 'sending' || text.trim() === '') return
    setState('sending')
    try {
      await onSubmit(text)
      setState('sent')
      drafts.write(name, null)
    } catch (error) {
      const found = issuesOf(error)
      setState('still')
      setRefused({ text, issues: found.some(({ line }) => line !== null) ? found : [], error })
      if (found[0]?.line) editor.current?.reveal(found[0])
    }
  }
  const open = async (file: File | undefined) => {
    if (file) setText(await file.text())
  }
  return (
    <div className="flex flex-col gap-3">
      <Card
        className="flex h-[max(26rem,min(44rem,72vh))] flex-col overflow-hidden"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault()
          void open(event.dataTransfer.files[0])
        }}
      >
        <div className="flex min-h-11 flex-wrap items-center gap-2 border-b pr-2 pl-4">
          <CheckVerdict errors={errors} warnings={issues.length - errors} checked={checked !== null || isRefused} />
          {restored !== null && isDirty && (
            <span className="flex items-center gap-1 text-muted text-sm">
              What you wrote was kept.
              <Button variant="quiet" size="sm" onClick={() => setText(initial)}>
                Start over
              </Button>
            </span>
          )}
          <FileButton label={`${label} file`} onFile={open} />
        </div>
        <div className="min-h-0 flex-1">
          <LazyEditor
            ref={editor}
            value={text}
            label={label}
            onChange={setText}
            onSubmit={() => void submit()}
            issues={issues}
            autoFocus
          />
        </div>
        <IssueList issues={issues} onPick={(issue) => editor.current?.reveal(issue)} />
      </Card>
      <div className="flex flex-wrap items-center justify-end gap-3">
        <p role="alert" className="min-w-0 flex-1 break-words text-deny text-sm">
          {isRefused && refused.issues.length === 0 ? messageOf(refused.error) : null}
        </p>
        {options}
        <Button
          variant="primary"
          size="lg"
          busy={state === 'sending'}
          disabled={text.trim() === ''}
          onClick={() => void submit()}
        >
          {action}{' '}
          <Kbd keys="Ctrl ↵" className="[&_kbd]:border-on-primary/30 [&_kbd]:bg-transparent [&_kbd]:text-on-primary" />
        </Button>
      </div>
    </div>
  )
}
