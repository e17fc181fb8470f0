import type { RefObject } from 'react'
import { useShortcuts } from './shortcuts.tsx'

const ROW = '[data-row]'

/**
 * The keys of a list: `j` and `k` go from row to row, `Enter` opens the one that has the focus, `/` goes to the search field
 * (`data-search`), `f` opens the first filter. A row is whatever of it takes the focus: a link or a button with `data-row`.
 *
 * @param within the part of the page that holds the list, and its filters
 * @param group what the help calls it
 */
export function useListKeys(within: RefObject<HTMLElement | null>, group: string): void {
  const find = (selector: string) => within.current?.querySelector<HTMLElement>(selector) ?? null
  const move = (step: 1 | -1) => {
    const rows = [...(within.current?.querySelectorAll<HTMLElement>(ROW) ?? [])]
    const at = rows.indexOf(document.activeElement as HTMLElement)
    const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step]
    next?.focus({ preventScroll: true })
    next?.scrollIntoView({ block: 'nearest' })
  }
  const [search, filter] = ['[data-search]', '[aria-haspopup=menu]']
  useShortcuts([
    { keys: 'j', label: 'Next row', group, run: () => move(1), repeats: true },
    { keys: 'k', label: 'Previous row', group, run: () => move(-1), repeats: true },
    { keys: '/', label: 'Search', group, run: () => find(search)?.focus() },
    { keys: 'f', label: 'Filter', group, run: () => openMenu(find(filter)) },
  ])
}

/** A menu opens by the pointer's or the keyboard's own events. */
function openMenu(trigger: HTMLElement | null): void {
  trigger?.focus()
  trigger?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }))
}
