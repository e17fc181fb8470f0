import { createContext, type ReactNode, use, useCallback, useEffect, useRef, useState } from 'react'
import { keyReader, type Shortcut } from './keys.ts'

type Registry = Map<symbol, () => readonly Shortcut[]>
const ShortcutContext = createContext<Registry>(new Map())

/** Listens once for the whole console; pages register what they answer to while they are shown. */
export function ShortcutProvider({ children }: { children: ReactNode }) {
  const [registry] = useState<Registry>(() => new Map())
  useEffect(() => {
    const read = keyReader()
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return
      const press = {
        key: event.key,
        repeat: event.repeat,
        modified: event.ctrlKey || event.metaKey || event.altKey,
        elsewhere: isElsewhere(event.target),
      }
      const shortcut = read(press, activeShortcuts(registry), event.timeStamp)
      if (!shortcut) return
      event.preventDefault()
      shortcut.run()
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [registry])
  return <ShortcutContext value={registry}>{children}</ShortcutContext>
}

function isElsewhere(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false
  return (
    target.closest(
      'input, textarea, select, [contenteditable="true"], [role="dialog"], [role="alertdialog"], [role="menu"]',
    ) !== null
  )
}

const activeShortcuts = (registry: Registry): readonly Shortcut[] =>
  [...registry.values()].reverse().flatMap((list) => list())

/** Registers shortcuts while mounted; a later registration wins over an earlier one for the same key. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const registry = use(ShortcutContext)
  const latest = useRef(shortcuts)
  latest.current = shortcuts
  useEffect(() => {
    const id = Symbol('shortcuts')
    registry.set(id, () => latest.current)
    return () => void registry.delete(id)
  }, [registry])
}

/** What can be pressed right now, for the help; read when it opens. */
export function useShortcutList(): () => readonly Shortcut[] {
  const registry = use(ShortcutContext)
  return useCallback(() => activeShortcuts(registry), [registry])
}
