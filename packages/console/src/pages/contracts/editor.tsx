import { defaultKeymap, history, historyKeymap, indentLess, insertTab } from '@codemirror/commands'
import { yaml } from '@codemirror/lang-yaml'
import { bracketMatching, foldGutter, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language'
import { type Diagnostic, forEachDiagnostic, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint'
import { Compartment, EditorState } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view'
import { useEffect, useEffectEvent, useImperativeHandle, useRef } from 'react'
import { COLOURS, THEME } from './editor-look.ts'
import { type Issue, rangeOf } from './issues.ts'
import { fixOf } from './language/fixes.ts'
import type { Frame } from './language/frame.ts'
import type { Seen } from './language/suggest.ts'

export interface EditorHandle {
  /** Puts the cursor at the issue and shows it. */
  reveal(issue: Issue): void
  /** Makes the change that the hint of the issue offers, and puts the cursor behind it. */
  fix(issue: Issue): void
}

export interface EditorProps {
  readonly value: string
  readonly label: string
  readonly onChange?: (value: string) => void
  readonly onSubmit?: () => void
  readonly issues?: readonly Issue[]
  readonly ref?: React.Ref<EditorHandle>
  readonly autoFocus?: boolean
  /** Helps with the language of contracts: completes it, and what is given here; explains it. */
  readonly seen?: Seen
  /** What stands around the text, where it is a part of a bundle. */
  readonly frame?: Frame
}

/** Said to who cannot see them below the editor. */
const KEYS =
  'Control and Space: what may stand here. Control and I: what this is. Control and full stop: do what is offered. F8: next problem.'

/** Holds what helps with the language, which comes later than the editor. */
const ASSISTANCE = new Compartment()

/** YAML with line numbers, and issues underlined where they are. Without `onChange` it can only be read. */
export default function Editor(props: EditorProps) {
  const { value, label, onChange, onSubmit, issues = [], ref, autoFocus = false, seen, frame } = props
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const readOnly = onChange === undefined
  const changed = useEffectEvent((text: string) => onChange?.(text))
  const submitted = useEffectEvent(() => onSubmit?.())
  const initial = useEffectEvent(() => ({ value, label, autoFocus }))
  const isAssisted = seen !== undefined && !readOnly
  const known = useRef({ seen: seen ?? NOTHING_SEEN, frame })
  known.current = { seen: seen ?? NOTHING_SEEN, frame }

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
          EditorView.contentAttributes.of({
            'aria-label': start.label,
            tabindex: '0',
            ...(isAssisted ? { 'aria-description': KEYS } : {}),
          }),
          EditorView.lineWrapping,
          keymap.of([
            {
              key: 'Mod-Enter',
              run: () => {
                submitted()
                return true
              },
            },
            { key: 'Mod-.', run: fixHere, preventDefault: true },
            { key: 'Mod-]', run: insertTab },
            { key: 'Mod-[', run: indentLess },
            ...lintKeymap,
            ...defaultKeymap,
            ...historyKeymap,
          ]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed(update.state.doc.toString())
          }),
          ASSISTANCE.of([]),
          THEME,
        ],
      }),
    })
    if (start.autoFocus) editor.focus()
    view.current = editor
    let isGone = false
    // What is said below the text takes room from it: the line one writes stays in sight.
    const room = new ResizeObserver(() => {
      if (editor.hasFocus) editor.dispatch({ effects: EditorView.scrollIntoView(editor.state.selection.main.head) })
    })
    room.observe(host.current)
    if (isAssisted)
      import('./language/extension.ts').then(
        ({ assistance }) => {
          if (isGone) return
          editor.dispatch({ effects: ASSISTANCE.reconfigure(assistance(() => known.current)) })
        },
        // The server is away: one writes without help.
        () => {},
      )
    return () => {
      isGone = true
      room.disconnect()
      editor.destroy()
    }
  }, [readOnly, isAssisted])

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
      (issue): Diagnostic => ({
        ...rangeOf(text, issue),
        severity: issue.severity,
        message: issue.message,
        ...(readOnly ? {} : { actions: actionsFor(text, issue) }),
      }),
    )
    editor.dispatch(
      setDiagnostics(
        editor.state,
        diagnostics.sort((a, b) => a.from - b.from),
      ),
    )
  }, [issues, readOnly])

  useImperativeHandle(ref, () => ({
    reveal(issue) {
      const editor = view.current
      if (!editor) return
      const { from } = rangeOf(editor.state.doc.toString(), issue)
      editor.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: 'center' }) })
      editor.focus()
    },
    fix(issue) {
      const editor = view.current
      if (!editor) return
      const [action] = actionsFor(editor.state.doc.toString(), issue)
      const { from, to } = rangeOf(editor.state.doc.toString(), issue)
      action?.apply(editor, from, to)
      editor.focus()
    },
  }))

  return <div ref={host} className="h-full min-h-0" />
}

const NOTHING_SEEN: Seen = { tools: [], environments: [], bundles: [], argumentsOf: async () => [] }

/** What the hint of an issue offers, where its place still reads as it did. */
function actionsFor(text: string, issue: Issue): NonNullable<Diagnostic['actions']> {
  const fix = fixOf(text, issue)
  if (!fix) return []
  const { from: began } = rangeOf(text, issue)
  const was = text.slice(fix.from, fix.to)
  return [
    {
      name: fix.label,
      apply(view, from) {
        const at = from + fix.from - began
        if (view.state.sliceDoc(at, at + was.length) !== was) return
        view.dispatch({
          changes: { from: at, to: at + was.length, insert: fix.insert },
          selection: { anchor: at + fix.insert.length },
          userEvent: 'input.fix',
          scrollIntoView: true,
          effects: EditorView.announce.of(`${was} is ${fix.insert} now.`),
        })
      },
    },
  ]
}

/** Makes the first change that is offered on the line of the cursor. */
function fixHere(view: EditorView): boolean {
  const line = view.state.doc.lineAt(view.state.selection.main.head)
  const found: { from: number; to: number; diagnostic: Diagnostic }[] = []
  forEachDiagnostic(view.state, (diagnostic, from, to) => {
    if (from <= line.to && to >= line.from && diagnostic.actions?.length) found.push({ from, to, diagnostic })
  })
  const [first] = found
  if (first) first.diagnostic.actions?.[0]?.apply(view, first.from, first.to)
  else view.dispatch({ effects: EditorView.announce.of('On this line nothing is offered to change.') })
  return true
}
