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

/** Help with writing a bundle: what may stand here, and what that which stands here is. `seen` is asked anew each time. */
export function assistance(seen: () => Seen): Extension {
  return [
    autocompletion({ override: [(context) => complete(context, seen())], icons: false }),
    hoverTooltip((view, at) => explanationAt(view, at), { hoverTime: 400 }),
    explained,
    Prec.high(
      keymap.of([
        { key: 'Mod-i', run: explain, preventDefault: true },
        { key: 'Escape', run: hide },
      ]),
    ),
  ]
}

async function complete(context: CompletionContext, seen: Seen): Promise<CompletionResult | null> {
  const found = await suggest(context.state.doc.toString(), context.pos, LANGUAGE, seen)
  if (!found || context.aborted) return null
  // A list that comes by itself comes once a letter of it was written.
  if (!context.explicit && found.from === context.pos) return null
  return { from: found.from, options: found.options.map(completionOf), validFor: /^[\w.*-]*$/ }
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

function explanationAt({ state }: EditorView, at: number): Tooltip | null {
  const found = explainedAt(state.doc.toString(), at, LANGUAGE)
  if (!found) return null
  return {
    pos: found.from,
    end: found.to,
    above: true,
    create: () => {
      const dom = document.createElement('div')
      dom.className = 'cm-explained'
      const name = dom.appendChild(document.createElement('code'))
      name.textContent = found.name
      dom.append(` ${found.text}`)
      return { dom }
    },
  }
}

/** Says what stands at the cursor: on the screen, and to a screen reader. */
function explain(view: EditorView): boolean {
  const { head } = view.state.selection.main
  const found = explainedAt(view.state.doc.toString(), head, LANGUAGE)
  view.dispatch({
    effects: [
      setExplained.of(explanationAt(view, head)),
      EditorView.announce.of(found ? `${found.name}: ${found.text}` : 'Nothing is known of what stands here.'),
    ],
  })
  return true
}

function hide(view: EditorView): boolean {
  if (!view.state.field(explained)) return false
  view.dispatch({ effects: setExplained.of(null) })
  return true
}
