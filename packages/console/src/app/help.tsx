import { useState } from 'react'
import { Dialog } from '../ui/dialog.tsx'
import { Kbd } from '../ui/kbd.tsx'
import type { Shortcut } from './keys.ts'
import { useShortcutList } from './shortcuts.tsx'

/** The keys that work on the page one is on, and everywhere. */
export default function Help({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const list = useShortcutList()
  const [groups] = useState(() => byGroup(list()))
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Keyboard shortcuts">
      <div className="grid gap-x-10 gap-y-5 sm:grid-cols-2">
        {groups.map(([group, shortcuts]) => (
          <section key={group}>
            <h3 className="mb-1 font-medium text-muted text-xs">{group}</h3>
            <dl>
              {shortcuts.map((shortcut) => (
                <div key={shortcut.keys} className="flex min-h-7 items-center justify-between gap-3 text-sm">
                  <dt>{shortcut.label}</dt>
                  <dd>
                    <span className="sr-only">{shortcut.keys}</span>
                    <Kbd keys={shortcut.keys} className="inline-flex" />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  )
}

const LAST = ['Go to', 'Everywhere']

/** The page's own first. */
function byGroup(shortcuts: readonly Shortcut[]): readonly (readonly [string, readonly Shortcut[]])[] {
  const all = [...shortcuts, { keys: 'Ctrl K', label: 'Go to…', group: 'Everywhere', run: () => {} }]
  return [...Map.groupBy(all, (shortcut) => shortcut.group)].sort((a, b) => LAST.indexOf(a[0]) - LAST.indexOf(b[0]))
}
