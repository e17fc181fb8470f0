import { defaultKeymap, history, historyKeymap, indentLess, insertTab } from '@codemirror/commands'
import { yaml } from '@codemirror/lang-yaml'
import { bracketMatching, foldGutter, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language'
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint'
import { EditorState } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view'
import { useEffect, useEffectEvent, useImperativeHandle, useRef } from 'react'
import { COLOURS, THEME } from './editor-look.ts'
import { type Issue, rangeOf } from './issues.ts'

export interface EditorHandle {
  /** Puts the cursor at the issue and shows it. */
  reveal(issue: Issue): void
}

export interface EditorProps {
  readonly value: string
  readonly label: string
  readonly onChange?: (value: string) => void
  readonly onSubmit?: () => void
  readonly issues?: readonly Issue[]
  readonly ref?: React.Ref<EditorHandle>
  readonly autoFocus?: boolean
}

/** YAML with line numbers, and issues underlined where they are. Without `onChange` it can only be read. */
export default function Editor({ value, label, onChange, onSubmit, issues = [], ref, autoFocus = false }: EditorProps) {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const readOnly = onChange === undefined
  const changed = useEffectEvent((text: string) => onChange?.(text))
  const submitted = useEffectEvent(() => onSubmit?.())
  const initial = useEffectEvent(() => ({ value, label, autoFocus }))

  useEffect(() => {
    if (!host.current) return
    const start = initial()
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: start.value,
        extensions: [
          lineNumbers(),
          foldGutter(),
          history(),
          drawSelection(),
          indentOnInput(),
          indentUnit.of('  '),
          bracketMatching(),
          yaml(),
          syntaxHighlighting(COLOURS),
          lintGutter(),
          readOnly ? [EditorState.readOnly.of(true), EditorView.editable.of(false)] : highlightActiveLine(),
          EditorView.contentAttributes.of({ 'aria-label': start.label, tabindex: '0' }),
          EditorView.lineWrapping,
          keymap.of([
            {
              key: 'Mod-Enter',
              run: () => {
                submitted()
                return true
              },
            },
            { key: 'Mod-]', run: insertTab },
            { key: 'Mod-[', run: indentLess },
            ...lintKeymap,
            ...defaultKeymap,
            ...historyKeymap,
          ]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed(update.state.doc.toString())
          }),
          THEME,
        ],
      }),
    })
    if (start.autoFocus) editor.focus()
    view.current = editor
    return () => editor.destroy()
  }, [readOnly])

  useEffect(() => {
    const editor = view.current
    if (!editor || editor.state.doc.toString() === value) return
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } })
  }, [value])

  useEffect(() => {
    const editor = view.current
    if (!editor) return
    const text = editor.state.doc.toString()
    const diagnostics = issues.map(
      (issue): Diagnostic => ({ ...rangeOf(text, issue), severity: issue.severity, message: issue.message }),
    )
    editor.dispatch(
      setDiagnostics(
        editor.state,
        diagnostics.sort((a, b) => a.from - b.from),
      ),
    )
  }, [issues])

  useImperativeHandle(ref, () => ({
    reveal(issue) {
      const editor = view.current
      if (!editor) return
      const { from } = rangeOf(editor.state.doc.toString(), issue)
      editor.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: 'center' }) })
      editor.focus()
    },
  }))

  return <div ref={host} className="h-full min-h-0" />
}
