import type { RefObject } from 'react'
import { useShortcuts } from './shortcuts.tsx'

const ROW = '[data-row]'
const CONTROL = 'a[href], button:not(:disabled), input:not(:disabled), select, [tabindex="0"]'

/**
 * The keys of a list: `j` and `k` go from row to row, `Enter` opens the one that has the focus, `/` goes to the search field
 * (`data-search`), `f` opens the first filter. A row is what has `data-row`: it takes the focus itself, or the first thing in
 * it that does.
 *
 * @param within the part of the page that holds the list, and its filters; null: the whole page
 * @param group what the help calls it
 */
export function useListKeys(within: RefObject<HTMLElement | null> | null, group: string): void {
  const place = () => (within ? within.current : document.getElementById('main'))
  const find = (selector: string) => place()?.querySelector<HTMLElement>(selector) ?? null
  const move = (step: 1 | -1) => {
    const rows = [...(place()?.querySelectorAll<HTMLElement>(ROW) ?? [])].flatMap((row) => controlOf(row) ?? [])
    const row = document.activeElement?.closest(ROW)
    const at = rows.findIndex((control) => row?.contains(control))
    const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step]
    next?.focus({ preventScroll: true })
    next?.scrollIntoView({ block: 'nearest' })
  }
  const [search, filter] = ['[data-search]', '[data-filter-menu]']
  useShortcuts([
    { keys: 'j', label: 'Next row', group, run: () => move(1), repeats: true },
    { keys: 'k', label: 'Previous row', group, run: () => move(-1), repeats: true },
    { keys: '/', label: 'Search', group, run: () => find(search)?.focus() },
    { keys: 'f', label: 'Filter', group, run: () => openMenu(find(filter)) },
  ])
}

const controlOf = (row: HTMLElement) => (row.matches(CONTROL) ? row : row.querySelector<HTMLElement>(CONTROL))

/** A menu opens by the pointer's or the keyboard's own events. */
function openMenu(trigger: HTMLElement | null): void {
  trigger?.focus()
  trigger?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }))
}
