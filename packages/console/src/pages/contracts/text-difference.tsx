import { MergeView, unifiedMergeView } from '@codemirror/merge'
import { EditorState } from '@codemirror/state'
import { EditorView, lineNumbers } from '@codemirror/view'
import { useEffect, useRef } from 'react'
import { useWide } from '../../ui/media.ts'
import { THEME } from './editor-look.ts'

interface TextDifferenceProps {
  readonly before: string
  readonly after: string
  /** What stands on each side: "version 3". */
  readonly names: readonly [string, string]
}

/** Lines left around a change; what is equal between two changes is folded, and opens by a click. */
const COLLAPSED = { margin: 3, minSize: 6 }

/** Two texts side by side, or one below the other's changes where there is no room. */
export default function TextDifference({ before, after, names }: TextDifferenceProps) {
  const host = useRef<HTMLDivElement>(null)
  const wide = useWide()
  const [left, right] = names
  useEffect(() => {
    if (!host.current) return
    const parent = host.current
    const base = (name: string) => [
      lineNumbers(),
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ 'aria-label': name, tabindex: '0' }),
      THEME,
      CHANGES,
    ]
    if (wide) {
      const view = new MergeView({
        a: { doc: before, extensions: base(left) },
        b: { doc: after, extensions: base(right) },
        parent,
        gutter: false,
        collapseUnchanged: COLLAPSED,
      })
      return () => view.destroy()
    }
    const view = new EditorView({
      parent,
      doc: after,
      extensions: [
        base(`Changes from ${left} to ${right}`),
        unifiedMergeView({ original: before, mergeControls: false, gutter: false, collapseUnchanged: COLLAPSED }),
      ],
    })
    return () => view.destroy()
  }, [before, after, wide, left, right])
  return <div ref={host} className="h-full overflow-auto" />
}

const CHANGES = EditorView.theme({
  '&': { height: 'auto' },
  '.cm-scroller': { overflow: 'visible' },
  '&.cm-merge-a .cm-changedLine, .cm-deletedChunk': { backgroundColor: 'var(--deny-soft)' },
  '&.cm-merge-b .cm-changedLine, .cm-inlineChangedLine, .cm-changedLine': { backgroundColor: 'var(--allow-soft)' },
  '&.cm-merge-a .cm-changedText, .cm-deletedChunk .cm-deletedText': {
    background: 'color-mix(in oklch, var(--deny) 22%, transparent)',
  },
  '&.cm-merge-b .cm-changedText, .cm-changedText': {
    background: 'color-mix(in oklch, var(--allow) 22%, transparent)',
  },
  '.cm-collapsedLines': {
    background: 'var(--sunken)',
    color: 'var(--muted)',
    padding: '4px 12px',
    fontFamily: 'var(--font-sans)',
  },
  // Signs of a font that few machines have.
  '.cm-collapsedLines:before, .cm-collapsedLines:after': { content: 'none' },
})
