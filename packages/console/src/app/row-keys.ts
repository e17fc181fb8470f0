import { useCallback, useRef } from 'react'
import { useShortcuts } from './shortcuts.tsx'

/** What of a list answers to keys; rows are the elements with `data-row`, links or buttons, in their order. */
interface RowKeys {
  /** What the keys are listed under in the help. */
  readonly group: string
  /** Of the field that is searched by; null where there is none. */
  readonly search?: React.RefObject<HTMLInputElement | null>
  /** Of the filters; `f` goes to the first. */
  readonly filters?: React.RefObject<HTMLElement | null>
  /** Chooses the row with the focus, by its `data-row`. */
  readonly choose?: (row: string) => void
  /** Takes back what was chosen. */
  readonly clear?: () => void
}

/** `j` and `k` go from row to row, Enter opens it as it is a link or a button, `/` searches, `f` filters, `x` chooses, Esc leaves. */
export function useRowKeys({ group, search, filters, choose, clear }: RowKeys): React.RefObject<HTMLElement | null> {
  const list = useRef<HTMLElement>(null)
  const rows = useCallback(() => [...(list.current?.querySelectorAll<HTMLElement>('[data-row]') ?? [])], [])
  const move = (step: number) => {
    const all = rows()
    const at = all.findIndex((row) => row === document.activeElement || row.contains(document.activeElement))
    const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step]
    next?.focus()
    next?.scrollIntoView({ block: 'nearest' })
  }
  useShortcuts([
    { keys: 'j', label: 'Next row', group, run: () => move(1), repeats: true },
    { keys: 'k', label: 'Previous row', group, run: () => move(-1), repeats: true },
    ...(search ? [{ keys: '/', label: 'Search', group, run: () => search.current?.focus() }] : []),
    ...(filters
      ? [{ keys: 'f', label: 'To the filters', group, run: () => filters.current?.querySelector('button')?.focus() }]
      : []),
    ...(choose
      ? [
          {
            keys: 'x',
            label: 'Choose the row',
            group,
            run: () => {
              const row = rows().find((one) => one.contains(document.activeElement))?.dataset.row
              if (row) choose(row)
            },
          },
        ]
      : []),
    {
      keys: 'Escape',
      label: clear ? 'Take the choice back' : 'Leave the list',
      group,
      run: () => {
        clear?.()
        if (document.activeElement instanceof HTMLElement && list.current?.contains(document.activeElement))
          document.activeElement.blur()
      },
    },
  ])
  return list
}
