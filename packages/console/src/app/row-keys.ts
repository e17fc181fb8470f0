import { useShortcuts } from './shortcuts.tsx'

/**
 * `j` and `k` go through the rows of a page (elements with `data-row`), `/` to its search (`data-filter`), `f` to its first
 * filter (`data-filter-menu`); Enter and Escape are the browser's own.
 */
export function useRowKeys(group: string, more: { readonly filter?: boolean } = {}): void {
  useShortcuts([
    { keys: 'j', label: 'Next row', group, run: () => move(1), repeats: true },
    { keys: 'k', label: 'Previous row', group, run: () => move(-1), repeats: true },
    { keys: 'f', label: 'Filter', group, run: () => focusOn('data-filter-menu') },
    ...(more.filter ? [{ keys: '/', label: 'Search', group, run: () => focusOn('data-filter') }] : []),
  ])
}

const CONTROL = 'a[href], button:not(:disabled), select, [tabindex="0"]'

/** Each row is stood for by the first thing in it that can be acted on. */
function move(step: 1 | -1): void {
  const controls = [...document.querySelectorAll('main [data-row]')].flatMap(
    (row) => row.querySelector<HTMLElement>(CONTROL) ?? [],
  )
  const row = document.activeElement?.closest('[data-row]')
  const at = controls.findIndex((control) => control.closest('[data-row]') === row)
  const next = at < 0 ? (step > 0 ? 0 : controls.length - 1) : Math.min(Math.max(at + step, 0), controls.length - 1)
  controls[next]?.focus()
}

const focusOn = (mark: string) => document.querySelector<HTMLElement>(`main [${mark}]`)?.focus()
