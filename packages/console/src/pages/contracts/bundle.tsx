import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { FilePen, GitCompare, Rocket, ShieldCheck, Unlink } from 'lucide-react'
import type { BundleVersion } from '../../api/types.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { BackLink } from '../../ui/back-link.tsx'
import { EnvironmentTag } from '../../ui/badge.tsx'
import { buttonClass } from '../../ui/button.tsx'
import { cn } from '../../ui/cn.ts'
import { CopyButton } from '../../ui/copy.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { Empty, Failure, Skeleton, SkeletonRows } from '../../ui/states.tsx'
import { When } from '../../ui/when.tsx'
import { Deployments } from './deployments.tsx'
import { LazyEditor } from './lazy-editor.tsx'
import { bundleQueries } from './queries.ts'

/** One bundle: its versions, the text of the chosen one, what was deployed. */
export function BundlePage() {
  const { name } = useParams({ from: '/inside/contracts/$name' })
  const search = useSearch({ from: '/inside/contracts/$name' })
  const navigate = useNavigate({ from: '/contracts/$name' })
  const versions = useQuery(bundleQueries.versions(name))
  const list = versions.data ?? []
  // A link to a version that there is not opens no other: it would be read, and deployed, in its place.
  const chosen = search.version === undefined ? list[0] : list.find(({ version }) => version === search.version)
  const isAstray = versions.isSuccess && search.version !== undefined && chosen === undefined

  const move = (step: number) => {
    const next = list[list.findIndex(({ version }) => version === chosen?.version) + step]
    if (next) void navigate({ search: { version: next.version }, replace: true })
  }
  const deploy = (version: number) =>
    void navigate({ to: '/contracts/$name/deploy', params: { name }, search: { version } })
  const compare = (to: number) => void navigate({ to: '/contracts/$name/compare', params: { name }, search: { to } })
  useShortcuts([
    { keys: 'j', label: 'Older version', group: 'Bundle', run: () => move(1), repeats: true },
    { keys: 'k', label: 'Newer version', group: 'Bundle', run: () => move(-1), repeats: true },
    { keys: 'p', label: 'Deploy this version', group: 'Bundle', run: () => chosen && deploy(chosen.version) },
    { keys: 'c', label: 'Compare with another version', group: 'Bundle', run: () => chosen && compare(chosen.version) },
    {
      keys: 'n',
      label: 'New version from this one',
      group: 'Bundle',
      run: () => chosen && void navigate({ to: '/contracts/new', search: { from: name, version: chosen.version } }),
    },
  ])

  return (
    <Page
      title={name}
      lead={<BackLink to="/contracts">All bundles</BackLink>}
      actions={
        chosen && (
          <>
            <Link to="/contracts/new" search={{ from: name, version: chosen.version }} className={buttonClass()}>
              <FilePen aria-hidden /> New version
            </Link>
            {list.length > 1 && (
              <Link
                to="/contracts/$name/compare"
                params={{ name }}
                search={{ to: chosen.version }}
                className={buttonClass()}
              >
                <GitCompare aria-hidden /> Compare
              </Link>
            )}
            <Link
              to="/contracts/$name/deploy"
              params={{ name }}
              search={{ version: chosen.version }}
              className={buttonClass('primary')}
            >
              <Rocket aria-hidden /> Deploy v{chosen.version}
            </Link>
          </>
        )
      }
    >
      {versions.isError && !versions.data ? (
        <Card>
          <Failure error={versions.error} retry={() => void versions.refetch()} />
        </Card>
      ) : (
        <div className="grid items-start gap-4 lg:grid-cols-[17rem_minmax(0,1fr)]">
          <Card className="overflow-hidden">
            <CardHeading>Versions</CardHeading>
            {versions.isPending ? (
              <SkeletonRows rows={3} className="h-15" />
            ) : (
              <ul className="max-h-64 divide-y overflow-y-auto lg:max-h-[34rem]">
                {list.map((version) => (
                  <VersionRow key={version.version} version={version} current={version.version === chosen?.version} />
                ))}
              </ul>
            )}
          </Card>
          <div className="flex min-w-0 flex-col gap-4">
            {isAstray ? (
              <Card role="alert">
                <Empty icon={Unlink} title={`There is no version ${search.version}`} className="py-10">
                  The link leads to a version of {name} that this server does not have. Choose one of the list.
                </Empty>
              </Card>
            ) : (
              <Text name={name} version={chosen} />
            )}
            <Card className="overflow-hidden">
              <CardHeading>Deployment history</CardHeading>
              <Deployments bundle={name} />
            </Card>
          </div>
        </div>
      )}
    </Page>
  )
}

function VersionRow({ version, current }: { version: BundleVersion; current: boolean }) {
  return (
    <li>
      <Link
        from="/contracts/$name"
        to="/contracts/$name"
        search={{ version: version.version }}
        replace
        aria-current={current || undefined}
        className={cn(
          'block px-4 py-2 hover:bg-hover focus-visible:-outline-offset-2',
          current && 'bg-accent-soft shadow-[inset_2px_0_0_var(--accent)]',
        )}
      >
        <span className="flex items-center justify-between gap-2">
          <span className="tabular font-medium">v{version.version}</span>
          <span className="flex flex-wrap justify-end gap-x-2.5">
            {version.deployed_envs.map((env) => (
              <EnvironmentTag key={env} env={env} />
            ))}
          </span>
        </span>
        <span className="flex justify-between gap-2 text-muted text-xs">
          <span className="truncate">{version.uploaded_by}</span>
          <When at={version.created_at} className="shrink-0" />
        </span>
      </Link>
    </li>
  )
}

function Text({ name, version }: { name: string; version: BundleVersion | undefined }) {
  const yaml = useQuery({ ...bundleQueries.yaml(name, version?.version ?? 0), enabled: version !== undefined })
  return (
    <Card className="overflow-hidden">
      <CardHeading
        aside={
          version && (
            <span className="flex min-w-0 items-center gap-2 text-muted text-xs">
              {version.signature_hex && (
                <span
                  className="flex items-center gap-1 text-allow max-sm:hidden"
                  title={`Ed25519 ${version.signature_hex}`}
                >
                  <ShieldCheck className="size-3.5" aria-hidden /> signed
                </span>
              )}
              <code className="truncate font-mono" title={version.revision_hash}>
                {version.revision_hash.slice(0, 12)}
              </code>
              {yaml.data && <CopyButton text={yaml.data} what="YAML" />}
            </span>
          )
        }
      >
        {version ? `Version ${version.version}` : <Skeleton className="h-4 w-24" />}
      </CardHeading>
      <div className="h-[28rem]">
        {yaml.isError ? (
          <Failure error={yaml.error} retry={() => void yaml.refetch()} />
        ) : (
          yaml.data !== undefined && (
            <LazyEditor key={version?.version} value={yaml.data} label={`${name} version ${version?.version}`} />
          )
        )}
      </div>
    </Card>
  )
}
