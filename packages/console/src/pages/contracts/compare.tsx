import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { ArrowLeftRight } from 'lucide-react'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { BackLink } from '../../ui/back-link.tsx'
import { Button } from '../../ui/button.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { Failure, SkeletonRows } from '../../ui/states.tsx'
import { Differences } from './differences.tsx'
import { bundleQueries } from './queries.ts'

/** Any two versions of a bundle beside each other. */
export function ComparePage() {
  const { name } = useParams({ from: '/inside/contracts/$name/compare' })
  const search = useSearch({ from: '/inside/contracts/$name/compare' })
  const navigate = useNavigate({ from: '/contracts/$name/compare' })
  const versions = useQuery(bundleQueries.versions(name))
  const list = versions.data ?? []
  const to = search.to ?? list[0]?.version
  const from = search.from ?? list.find(({ version }) => to !== undefined && version < to)?.version ?? to
  const set = (change: { from?: number | undefined; to?: number | undefined; view?: 'text' | undefined }) =>
    void navigate({ search: (now) => ({ ...now, ...change }) })
  const swap = () => from !== undefined && to !== undefined && set({ from: to, to: from })
  const step = (side: 'from' | 'to', by: number) => {
    const index = list.findIndex(({ version }) => version === (side === 'from' ? from : to))
    const next = list[index + by]
    if (next) void navigate({ search: (now) => ({ ...now, from, to, [side]: next.version }), replace: true })
  }
  useShortcuts([
    { keys: 'j', label: 'An older version on the left', group: 'Compare', run: () => step('from', 1), repeats: true },
    { keys: 'k', label: 'A newer version on the left', group: 'Compare', run: () => step('from', -1), repeats: true },
    { keys: 'x', label: 'Swap the sides', group: 'Compare', run: swap },
    {
      keys: 't',
      label: 'By contract, or by text',
      group: 'Compare',
      run: () => set({ view: search.view === 'text' ? undefined : 'text' }),
    },
  ])
  const options = list.map(({ version, deployed_envs }) => ({
    value: String(version),
    label: `Version ${version}${deployed_envs.length > 0 ? ` · ${deployed_envs.join(', ')}` : ''}`,
  }))
  return (
    <Page
      title={`Compare versions of ${name}`}
      lead={
        <BackLink to="/contracts/$name" params={{ name }} search={to === undefined ? {} : { version: to }}>
          {name}
        </BackLink>
      }
    >
      <Card className="p-4">
        {versions.isError ? (
          <Failure error={versions.error} retry={() => void versions.refetch()} />
        ) : from === undefined || to === undefined ? (
          <SkeletonRows rows={4} />
        ) : (
          <>
            <div className="mb-4 flex flex-wrap items-center gap-2">
              <FilterMenu
                label="Before"
                required
                value={String(from)}
                options={options}
                onChange={(value) => set({ from: Number(value), to })}
              />
              <Button size="icon" aria-label="Swap the sides" onClick={swap}>
                <ArrowLeftRight aria-hidden />
              </Button>
              <FilterMenu
                label="After"
                required
                value={String(to)}
                options={options}
                onChange={(value) => set({ to: Number(value), from })}
              />
            </div>
            <Differences
              name={name}
              from={from}
              to={to}
              view={search.view ?? 'contracts'}
              onView={(view) => set({ view: view === 'text' ? 'text' : undefined })}
            />
          </>
        )}
      </Card>
    </Page>
  )
}
