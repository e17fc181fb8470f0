import { defaultKeymap, history, historyKeymap, indentLess, insertTab } from '@codemirror/commands'
import { yaml } from '@codemirror/lang-yaml'
import {
  bracketMatching,
  foldGutter,
  HighlightStyle,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from '@codemirror/language'
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint'
import { EditorState } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { useEffect, useEffectEvent, useImperativeHandle, useRef } from 'react'
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

const COLOURS = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--allow)' },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: 'var(--observe)' },
  { tag: tags.comment, color: 'var(--faint)', fontStyle: 'italic' },
  { tag: [tags.punctuation, tags.separator], color: 'var(--muted)' },
  { tag: [tags.labelName, tags.typeName, tags.meta], color: 'var(--ask)' },
])

const THEME = EditorView.theme({
  '&': { height: '100%', fontSize: '12.5px', backgroundColor: 'transparent', color: 'var(--ink)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: '1.6', overflow: 'auto' },
  '.cm-content': { padding: '10px 0', caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--faint)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 6px 0 12px' },
  '.cm-activeLine': { backgroundColor: 'var(--hover)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'color-mix(in oklch, var(--accent) 24%, transparent) !important',
  },
  '.cm-matchingBracket': { backgroundColor: 'var(--accent-soft) !important', color: 'inherit !important' },
  '.cm-tooltip': {
    backgroundColor: 'var(--surface)',
    border: '1px solid var(--line-strong)',
    borderRadius: '6px',
    boxShadow: 'var(--shadow-float)',
    maxWidth: '28rem',
  },
  '.cm-diagnostic': { padding: '6px 10px', fontFamily: 'var(--font-sans)' },
  '.cm-diagnostic-error': { borderLeft: '3px solid var(--deny)' },
  '.cm-diagnostic-warning': { borderLeft: '3px solid var(--ask)' },
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--deny) 1px',
    textUnderlineOffset: '3px',
  },
  '.cm-lintRange-warning': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--ask) 1px',
    textUnderlineOffset: '3px',
  },
  '.cm-lint-marker': { width: '0.8em', height: '0.8em' },
  '.cm-foldPlaceholder': { backgroundColor: 'var(--sunken)', border: 'none', color: 'var(--muted)' },
})
