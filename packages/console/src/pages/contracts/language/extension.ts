import {
  autocompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
  startCompletion,
} from '@codemirror/autocomplete'
import { type Extension, Prec, StateEffect, StateField } from '@codemirror/state'
import { EditorView, hoverTooltip, keymap, showTooltip, type Tooltip } from '@codemirror/view'
import { bundleJsonSchema, SELECTORS } from '@lictor/contracts/authoring'
import { type Frame, framed, inFrame, outOfFrame } from './frame.ts'
import { explainedAt, type Language, type Seen, type Suggestion, suggest } from './suggest.ts'

const LANGUAGE: Language = { schema: bundleJsonSchema, selectors: SELECTORS }
/** What stands behind the cursor of a key that was written already. */
const REST_OF_KEY = /^[\w.-]*\s*:(?=\s|$)/

const TYPES: Readonly<Record<Suggestion['kind'], string>> = {
  key: 'property',
  operator: 'function',
  selector: 'variable',
  word: 'enum',
  tool: 'class',
  seen: 'constant',
}

/** What the help goes by. */
export interface Known {
  readonly seen: Seen
  /** What stands around the text, where it is a part of a bundle. */
  readonly frame: Frame | undefined
}

/** Help with writing a bundle: what may stand here, and what that which stands here is. `known` is asked anew each time. */
export function assistance(known: () => Known): Extension {
  const explanation = (view: EditorView, at: number) => explanationAt(view, at, known().frame)
  return [
    autocompletion({ override: [(context) => complete(context, known())], icons: false }),
    hoverTooltip((view, at) => explanation(view, at)?.tooltip ?? null, { hoverTime: 400 }),
    explained,
    Prec.high(
      keymap.of([
        { key: 'Mod-i', run: (view) => explain(view, explanation), preventDefault: true },
        { key: 'Escape', run: hide },
      ]),
    ),
  ]
}

async function complete(context: CompletionContext, { seen, frame }: Known): Promise<CompletionResult | null> {
  const text = context.state.doc.toString()
  const at = inFrame(text, context.pos, frame)
  const found = await suggest(framed(text, frame), at, LANGUAGE, seen)
  if (!found || context.aborted) return null
  const from = context.pos - (at - found.from)
  // A list that comes by itself comes once a letter of it was written.
  if (!context.explicit && from === context.pos) return null
  const options = found.options.map((one) => completionOf({ ...one, insert: outOfFrame(one.insert, frame) }))
  return { from, options, validFor: /^[\w.*-]*$/ }
}

const completionOf = (one: Suggestion): Completion => ({
  label: one.label,
  type: TYPES[one.kind],
  boost: one.boost,
  ...(one.detail ? { detail: one.detail } : {}),
  ...(one.info ? { info: one.info } : {}),
  apply(view, _completion, from, to) {
    const rest = view.state.sliceDoc(to, view.state.doc.lineAt(to).to)
    const written = one.insert.startsWith(`${one.label}:`) ? REST_OF_KEY.exec(rest) : null
    const insert = written ? `${one.label}:` : one.insert
    const end = to + (written?.[0].length ?? 0)
    view.dispatch({
      changes: { from, to: end, insert },
      selection: { anchor: from + insert.length },
      userEvent: 'input.complete',
      scrollIntoView: true,
    })
    if (one.goesOn && !written) startCompletion(view)
  },
})

/** The explanation that was asked for by a key. */
const setExplained = StateEffect.define<Tooltip | null>()
const explained = StateField.define<Tooltip | null>({
  create: () => null,
  update(shown, transaction) {
    for (const effect of transaction.effects) if (effect.is(setExplained)) return effect.value
    return transaction.docChanged || transaction.selection ? null : shown
  },
  provide: (field) => showTooltip.from(field),
})

interface Explanation {
  readonly tooltip: Tooltip
  readonly words: string
}

function explanationAt({ state }: EditorView, offset: number, frame: Frame | undefined): Explanation | null {
  const text = state.doc.toString()
  const at = inFrame(text, offset, frame)
  const found = explainedAt(framed(text, frame), at, LANGUAGE)
  if (!found) return null
  const { from, to, name } = found
  const create = () => {
    const dom = document.createElement('div')
    dom.className = 'cm-explained'
    dom.appendChild(document.createElement('code')).textContent = name
    dom.append(` ${found.text}`)
    return { dom }
  }
  return {
    tooltip: { pos: offset - (at - from), end: offset - (at - to), above: true, create },
    words: `${name}: ${found.text}`,
  }
}

/** Says what stands at the cursor: on the screen, and to a screen reader. */
function explain(view: EditorView, explanation: (view: EditorView, at: number) => Explanation | null): boolean {
  const found = explanation(view, view.state.selection.main.head)
  view.dispatch({
    effects: [
      setExplained.of(found?.tooltip ?? null),
      EditorView.announce.of(found?.words ?? 'Nothing is known of what stands here.'),
    ],
  })
  return true
}

function hide(view: EditorView): boolean {
  if (!view.state.field(explained)) return false
  view.dispatch({ effects: setExplained.of(null) })
  return true
}
