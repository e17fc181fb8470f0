import { createContext, type ReactNode, use, useCallback, useEffect, useRef, useState } from 'react'
import { keyReader, type Shortcut } from './keys.ts'

type Registry = Map<symbol, () => readonly Shortcut[]>
interface Shortcuts {
  readonly registry: Registry
  /** Who wants that no shortcut acts. */
  readonly hushed: Set<symbol>
}
const ShortcutContext = createContext<Shortcuts>({ registry: new Map(), hushed: new Set() })

/** Listens once for the whole console; pages register what they answer to while they are shown. */
export function ShortcutProvider({ children }: { children: ReactNode }) {
  const [shortcuts] = useState<Shortcuts>(() => ({ registry: new Map(), hushed: new Set() }))
  useEffect(() => {
    const read = keyReader()
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return
      const press = {
        key: event.key,
        repeat: event.repeat,
        modified: event.ctrlKey || event.metaKey || event.altKey,
        elsewhere: shortcuts.hushed.size > 0 || isElsewhere(event.target),
      }
      const shortcut = read(press, activeShortcuts(shortcuts.registry), event.timeStamp)
      if (!shortcut) return
      event.preventDefault()
      shortcut.run()
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [shortcuts])
  return <ShortcutContext value={shortcuts}>{children}</ShortcutContext>
}

const OVERLAY = '[role="dialog"], [role="alertdialog"], [role="menu"]'
/** Where letters are written; not a box that one only ticks. */
const FIELD = 'input:not([type="checkbox"]), textarea, select, [contenteditable="true"]'

/** In a field, or while anything lies over the page, wherever the focus is then. */
const isElsewhere = (target: EventTarget | null): boolean =>
  (target instanceof Element && target.closest(FIELD) !== null) || document.querySelector(OVERLAY) !== null

const activeShortcuts = (registry: Registry): readonly Shortcut[] =>
  [...registry.values()].reverse().flatMap((list) => list())

/** Registers shortcuts while mounted; a later registration wins over an earlier one for the same key. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const { registry } = use(ShortcutContext)
  const latest = useRef(shortcuts)
  latest.current = shortcuts
  useEffect(() => {
    const id = Symbol('shortcuts')
    registry.set(id, () => latest.current)
    return () => void registry.delete(id)
  }, [registry])
}

/** While `active`, no shortcut acts: what was asked for is still coming, and the letters are meant for it. */
export function useHush(active: boolean): void {
  const { hushed } = use(ShortcutContext)
  useEffect(() => {
    if (!active) return
    const id = Symbol('hush')
    hushed.add(id)
    return () => void hushed.delete(id)
  }, [active, hushed])
}

/** What can be pressed right now, for the help; read when it opens. */
export function useShortcutList(): () => readonly Shortcut[] {
  const { registry } = use(ShortcutContext)
  return useCallback(() => activeShortcuts(registry), [registry])
}
