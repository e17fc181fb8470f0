import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { FileCheck2, Plus } from 'lucide-react'
import type { BundleSummary } from '../../api/types.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { EnvironmentTag } from '../../ui/badge.tsx'
import { buttonClass } from '../../ui/button.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { Empty, Failure, SkeletonRows } from '../../ui/states.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import { When } from '../../ui/when.tsx'
import { Deployments } from './deployments.tsx'
import { bundleQueries } from './queries.ts'

export function ContractsPage() {
  const { tab } = useSearch({ from: '/inside/contracts' })
  const navigate = useNavigate({ from: '/contracts' })
  useShortcuts([
    { keys: 'n', label: 'Upload a bundle', group: 'Contracts', run: () => void navigate({ to: '/contracts/new' }) },
  ])
  return (
    <Page
      title="Contracts"
      lead="Bundles of contracts decide what agents may do. Upload a version, then deploy it to an environment."
      actions={
        <Link to="/contracts/new" className={buttonClass('primary')}>
          <Plus aria-hidden /> Upload bundle
        </Link>
      }
    >
      <Tabs
        label="Contracts"
        value={tab ?? 'bundles'}
        onChange={(next) => void navigate({ search: next === 'deployments' ? { tab: 'deployments' } : {} })}
        tabs={[
          { value: 'bundles', label: 'Bundles' },
          { value: 'deployments', label: 'Deployments' },
        ]}
      >
        <TabPanel value="bundles">
          <Bundles />
        </TabPanel>
        <TabPanel value="deployments">
          <Card className="overflow-hidden">
            <Deployments />
          </Card>
        </TabPanel>
      </Tabs>
    </Page>
  )
}

function Bundles() {
  const bundles = useQuery(bundleQueries.all())
  return (
    <Card className="overflow-hidden">
      {bundles.isPending ? (
        <SkeletonRows rows={4} className="h-14" />
      ) : bundles.isError && !bundles.data ? (
        <Failure error={bundles.error} retry={() => void bundles.refetch()} />
      ) : bundles.data.length === 0 ? (
        <Empty
          icon={FileCheck2}
          title="No bundle yet"
          command="npx lictor validate contracts.yaml"
          action={
            <Link to="/contracts/new" className={buttonClass('primary')}>
              Start from an example
            </Link>
          }
        >
          A bundle is one YAML file. Begin with the example, or check one of yours first:
        </Empty>
      ) : (
        <ul className="divide-y">
          {bundles.data.map((bundle) => (
            <Row key={bundle.name} bundle={bundle} />
          ))}
        </ul>
      )}
    </Card>
  )
}

function Row({ bundle }: { bundle: BundleSummary }) {
  return (
    <li>
      <Link
        to="/contracts/$name"
        params={{ name: bundle.name }}
        className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-0.5 px-4 py-2.5 hover:bg-hover focus-visible:-outline-offset-2 max-sm:[&>span:first-child]:col-span-2 sm:grid-cols-[minmax(0,1.2fr)_minmax(0,1fr)_minmax(0,1.4fr)_6rem]"
      >
        <span className="truncate font-medium">{bundle.name}</span>
        <span className="tabular truncate text-muted text-sm max-sm:order-2">
          v{bundle.latest_version} · {contractCount(bundle.contract_count)}
        </span>
        <span className="flex flex-wrap gap-x-3 max-sm:order-4 max-sm:col-span-2">
          {bundle.deployed_envs.length > 0 ? (
            bundle.deployed_envs.map((env) => <EnvironmentTag key={env} env={env} />)
          ) : (
            <span className="text-faint text-xs">not deployed</span>
          )}
        </span>
        <span className="text-right text-muted text-xs max-sm:order-3">
          <When at={bundle.last_updated} />
        </span>
      </Link>
    </li>
  )
}

function contractCount(count: number | null): string {
  if (count === null) return 'unreadable'
  return plural(count, 'contract')
}
