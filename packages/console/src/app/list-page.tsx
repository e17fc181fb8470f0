import type { UseQueryResult } from '@tanstack/react-query'
import { type LucideIcon, Plus } from 'lucide-react'
import { type ReactNode, useRef } from 'react'
import { Button } from '../ui/button.tsx'
import { FilterField } from '../ui/filter-field.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { Card, Page } from '../ui/page.tsx'
import { Empty } from '../ui/states.tsx'
import { Withheld } from '../ui/withheld.tsx'
import { useListKeys } from './list-keys.ts'
import { useRefusal } from './permission.ts'
import { useShortcuts } from './shortcuts.tsx'

interface ListPageProps<Data, Row> {
  /** What the page is called, its list and its keys too. */
  readonly title: string
  readonly lead: string
  readonly icon: LucideIcon
  readonly query: UseQueryResult<Data>
  /** What is shown of what was read. */
  readonly rowsOf: (data: Data) => readonly Row[]
  /** One row as an `li`, with a key. */
  readonly row: (row: Row) => ReactNode
  /** What is typed to narrow the list by name; without `onQ` there is no field for it. */
  readonly q?: string | undefined
  readonly onQ?: (q: string | undefined) => void
  readonly filters: ReactNode
  /** Whether there is nothing at all, so that no filter is to blame. */
  readonly isNothing: (data: Data) => boolean
  readonly nothing: { readonly title: string; readonly command?: string; readonly words: ReactNode }
  /** Said when something is there, and none of it is asked for. */
  readonly noMatch: string
  /** What members may make here, by a button and by `c`. */
  readonly make?: { readonly label: string; readonly run: () => void }
  /** What stands below the list. */
  readonly below?: ReactNode
  /** Dialogs and the like. */
  readonly children?: ReactNode
}

/** A page that is a list: filters above it, what to do when it is empty, the keys of lists, and making one more. */
export function ListPage<Data, Row>(props: ListPageProps<Data, Row>) {
  const { title, lead, icon, query, rowsOf, row, q, onQ, filters, isNothing, nothing, noMatch, make } = props
  const refusal = useRefusal('work')
  const within = useRef<HTMLDivElement>(null)
  useListKeys(within, title)
  useShortcuts(make && refusal === null ? [{ keys: 'c', label: make.label, group: title, run: make.run }] : [])
  const button = make && (
    <Button variant="primary" onClick={make.run}>
      <Plus aria-hidden /> {make.label}
    </Button>
  )
  const actions = button && (refusal === null ? button : <Withheld why={refusal} className="max-w-xs" />)
  return (
    <Page title={title} lead={lead} actions={actions}>
      <div ref={within}>
        <div className="mb-3 flex flex-wrap gap-2">
          {onQ && <FilterField label="Filter by name" value={q} onChange={onQ} className="max-sm:w-40 max-sm:flex-1" />}
          {filters}
        </div>
        <Card className="overflow-hidden">
          <Loaded query={query}>
            {(data) => {
              const rows = rowsOf(data)
              if (rows.length > 0)
                return (
                  <ul aria-label={title} className="divide-y">
                    {rows.map(row)}
                  </ul>
                )
              if (!isNothing(data)) return <Empty icon={icon} title={noMatch} />
              return (
                <Empty
                  icon={icon}
                  title={nothing.title}
                  {...(nothing.command === undefined ? {} : { command: nothing.command })}
                  {...(button && refusal === null ? { action: button } : {})}
                >
                  {nothing.words}
                </Empty>
              )
            }}
          </Loaded>
        </Card>
        {props.below}
      </div>
      {props.children}
    </Page>
  )
}
