import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { FileInput, LibraryBig, Plus } from 'lucide-react'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Button, buttonClass } from '../../ui/button.tsx'
import { FilterField } from '../../ui/filter-field.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { Empty } from '../../ui/states.tsx'
import { When } from '../../ui/when.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { ImportDialog } from './import.tsx'
import { type LibrarySummary, libraryQueries } from './queries.ts'
import type { ContractType, LibrarySearch } from './route.ts'
import { TYPE_WORDS } from './types.ts'

/** Contracts, each written once, of which compositions are made. */
export function LibraryPage() {
  const search = useSearch({ from: '/inside/library' })
  const navigate = useNavigate({ from: '/library' })
  const contracts = useQuery(libraryQueries.all())
  const refusal = useRefusal('work')
  const set = (change: LibrarySearch, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...change }), replace })
  useListKeys(null, 'Library')
  useShortcuts(
    refusal
      ? []
      : [
          { keys: 'n', label: 'Write a contract', group: 'Library', run: () => void navigate({ to: '/library/new' }) },
          { keys: 'i', label: 'Import', group: 'Library', run: () => set({ import: true }, true) },
        ],
  )
  const importing = (
    <Button onClick={() => set({ import: true }, true)}>
      <FileInput aria-hidden /> Import
    </Button>
  )
  return (
    <Page
      title="Library"
      lead="Contracts, each written once and kept in versions. Compositions are made of them."
      actions={
        !refusal && (
          <>
            {importing}
            <Link to="/library/new" className={buttonClass('primary')}>
              <Plus aria-hidden /> Write a contract
            </Link>
          </>
        )
      }
    >
      {refusal && <Withheld why={`Writing: ${refusal}`} className="mb-3" />}
      <Loaded query={contracts} rows={5}>
        {(list) =>
          list.length === 0 ? (
            <Card>
              <Empty icon={LibraryBig} title="No contract yet" {...(refusal ? {} : { action: importing })}>
                Write one, or import a bundle: it is taken apart into its contracts. There are templates to begin with.
              </Empty>
            </Card>
          ) : (
            <>
              <Filters list={list} search={search} set={set} />
              <Contracts list={list.filter(matching(search))} />
            </>
          )
        }
      </Loaded>
      {!refusal && (
        <ImportDialog
          open={search.import === true}
          onOpenChange={(open) => set({ import: open ? true : undefined }, true)}
        />
      )}
    </Page>
  )
}

const matching =
  ({ q = '', type, tag }: LibrarySearch) =>
  (one: LibrarySummary): boolean =>
    (type === undefined || one.type === type) &&
    (tag === undefined || one.tags.includes(tag)) &&
    [one.contract_id, one.name, one.description ?? ''].some((text) => text.toLowerCase().includes(q.toLowerCase()))

interface FiltersProps {
  readonly list: readonly LibrarySummary[]
  readonly search: LibrarySearch
  readonly set: (change: LibrarySearch, replace?: boolean) => void
}

function Filters({ list, search, set }: FiltersProps) {
  const count = (holds: (one: LibrarySummary) => boolean) => list.filter(holds).length
  const tags = [...new Set(list.flatMap((one) => one.tags))].sort()
  const types = Object.keys(TYPE_WORDS) as ContractType[]
  return (
    <div className="mb-3 flex flex-wrap items-center gap-2">
      <FilterField
        label="Filter by name"
        value={search.q}
        onChange={(q) => set({ q }, true)}
        className="max-sm:max-w-none"
      />
      <FilterMenu
        label="Type"
        value={search.type}
        options={types.map((value) => ({ value, label: value, count: count((one) => one.type === value) }))}
        onChange={(type) => set({ type: types.find((one) => one === type) })}
      />
      {tags.length > 0 && (
        <FilterMenu
          label="Tag"
          value={search.tag}
          options={tags.map((value) => ({ value, label: value, count: count((one) => one.tags.includes(value)) }))}
          onChange={(tag) => set({ tag })}
        />
      )}
    </div>
  )
}

function Contracts({ list }: { list: readonly LibrarySummary[] }) {
  return (
    <Card className="overflow-hidden">
      {list.length === 0 ? (
        <Empty icon={LibraryBig} title="No contract matches" className="py-10" />
      ) : (
        <ul aria-label="Contracts" className="divide-y">
          {list.map((one) => (
            <Row key={one.contract_id} contract={one} />
          ))}
        </ul>
      )}
    </Card>
  )
}

function Row({ contract }: { contract: LibrarySummary }) {
  return (
    <li data-row>
      <Link
        to="/library/$id"
        params={{ id: contract.contract_id }}
        className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-0.5 px-4 py-2.5 hover:bg-hover focus-visible:-outline-offset-2 sm:grid-cols-[minmax(0,1.6fr)_5rem_minmax(0,1fr)_8rem_6rem]"
      >
        <span className="min-w-0">
          <span className="block truncate font-medium">{contract.name}</span>
          <span className="block truncate font-mono text-muted text-xs">{contract.contract_id}</span>
        </span>
        <span className="max-sm:justify-self-end">
          <Badge>{contract.type}</Badge>
        </span>
        <span className="flex min-w-0 flex-wrap gap-x-2 text-muted text-xs max-sm:col-span-2">
          {contract.tags.map((tag) => (
            <span key={tag} className="max-w-full truncate">
              {tag}
            </span>
          ))}
        </span>
        <span className="tabular text-muted text-xs">
          v{contract.version} · {contract.usage_count === 0 ? 'not used' : plural(contract.usage_count, 'use')}
        </span>
        <span className="text-right text-muted text-xs">
          <When at={contract.created_at} />
        </span>
      </Link>
    </li>
  )
}
