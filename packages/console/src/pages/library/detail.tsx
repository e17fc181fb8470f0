import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Blocks, Copy, FilePen, Trash2, TriangleAlert, Unlink } from 'lucide-react'
import { ApiError } from '../../api/http.ts'
import { useRefusal } from '../../app/permission.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { BackLink } from '../../ui/back-link.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Button, buttonClass } from '../../ui/button.tsx'
import { cn } from '../../ui/cn.ts'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { CopyButton } from '../../ui/copy.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { Empty, Failure, SkeletonRows } from '../../ui/states.tsx'
import { When } from '../../ui/when.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { LazyEditor } from '../contracts/shared/editing.tsx'
import { deleteContract, type LibraryContract, libraryQueries } from './queries.ts'

/** One contract: what it says, its versions, and which compositions it is part of. */
export function LibraryContractPage() {
  const { id } = useParams({ from: '/inside/library/$id' })
  const search = useSearch({ from: '/inside/library/$id' })
  const navigate = useNavigate({ from: '/library/$id' })
  const refusal = useRefusal('work')
  const client = useQueryClient()
  const newest = useQuery(libraryQueries.one(id))
  const chosen = search.version ?? newest.data?.version
  const isOld = newest.data !== undefined && chosen !== newest.data.version
  const old = useQuery({ ...libraryQueries.version(id, chosen ?? 0), enabled: isOld })
  const { ask, dialog } = useConfirmedAct()
  const versions = newest.data?.versions ?? []
  const step = (by: number) => {
    const next = versions[versions.findIndex(({ version }) => version === chosen) + by]
    if (next) void navigate({ search: { version: next.version }, replace: true })
  }
  const edit = () =>
    void navigate({ to: '/library/$id/edit', params: { id }, search: isOld && chosen ? { version: chosen } : {} })
  const remove = () =>
    ask({
      title: `Delete ${id}?`,
      description: 'All versions of it, for good. Bundles that were made of it stay as they are.',
      action: 'Delete contract',
      typed: id,
      run: () => deleteContract(id),
      done: 'Contract deleted',
      failed: 'It was not deleted.',
      stale: [['compositions']],
      // Once nothing shows it any more: it would be read again, in vain.
      onDone: () => void navigate({ to: '/library' }).then(() => client.invalidateQueries({ queryKey: ['library'] })),
    })
  useShortcuts([
    { keys: 'j', label: 'Older version', group: 'Contract', run: () => step(1), repeats: true },
    { keys: 'k', label: 'Newer version', group: 'Contract', run: () => step(-1), repeats: true },
    { keys: 'Escape', label: 'To the library', group: 'Contract', run: () => void navigate({ to: '/library' }) },
    ...(refusal ? [] : [{ keys: 'e', label: 'New version', group: 'Contract', run: edit }]),
  ])
  const shown = isOld ? old : newest
  return (
    <Page
      title={newest.data?.name ?? id}
      lead={<BackLink to="/library">Library</BackLink>}
      actions={
        newest.data &&
        !refusal && (
          <>
            <Button variant="deny" onClick={remove}>
              <Trash2 aria-hidden /> Delete
            </Button>
            <Link to="/library/new" search={{ from: id }} className={buttonClass()}>
              <Copy aria-hidden /> Duplicate
            </Link>
            <Link
              to="/library/$id/edit"
              params={{ id }}
              search={isOld && chosen ? { version: chosen } : {}}
              className={buttonClass('primary')}
            >
              <FilePen aria-hidden /> {isOld ? `New version from v${chosen}` : 'New version'}
            </Link>
          </>
        )
      }
    >
      {refusal && <Withheld why={`Changing: ${refusal}`} className="mb-3" />}
      {newest.isError && !newest.data ? (
        <Card>
          {newest.error instanceof ApiError && newest.error.status === 404 ? (
            <Empty icon={Unlink} title="There is no such contract" className="py-10">
              The library has no {id}; it may have been deleted.
            </Empty>
          ) : (
            <Failure error={newest.error} retry={() => void newest.refetch()} />
          )}
        </Card>
      ) : (
        <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_17rem]">
          <Card className="min-w-0 overflow-hidden" aria-label="Text">
            {shown.data ? (
              <Text contract={shown.data} />
            ) : shown.isError ? (
              <Failure error={shown.error} retry={() => void shown.refetch()} />
            ) : (
              <SkeletonRows rows={6} />
            )}
          </Card>
          <div className="flex min-w-0 flex-col gap-4">
            <Card className="overflow-hidden">
              <CardHeading>Versions</CardHeading>
              <Loaded query={newest}>
                {(data) => (
                  <ul aria-label="Versions" className="max-h-72 divide-y overflow-y-auto">
                    {data.versions.map((one) => (
                      <li key={one.version}>
                        <Link
                          from="/library/$id"
                          to="/library/$id"
                          search={one.version === data.version ? {} : { version: one.version }}
                          replace
                          aria-current={one.version === chosen || undefined}
                          className={cn(
                            'block px-4 py-2 hover:bg-hover focus-visible:-outline-offset-2',
                            one.version === chosen && 'bg-accent-soft shadow-[inset_2px_0_0_var(--accent)]',
                          )}
                        >
                          <span className="tabular block font-medium">v{one.version}</span>
                          <span className="block text-muted text-xs">
                            <When at={one.created_at} />
                          </span>
                        </Link>
                      </li>
                    ))}
                  </ul>
                )}
              </Loaded>
            </Card>
            <Uses id={id} />
          </div>
        </div>
      )}
      {dialog}
    </Page>
  )
}

function Text({ contract }: { contract: LibraryContract }) {
  const text = useQuery(libraryQueries.text(contract)).data
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b px-4 py-2.5 text-sm">
        <code className="min-w-0 break-all font-mono">{contract.contract_id}</code>
        <Badge>{contract.type}</Badge>
        <span className="tabular text-muted text-xs">v{contract.version}</span>
        {contract.tags.map((tag) => (
          <span key={tag} className="max-w-full truncate text-muted text-xs">
            {tag}
          </span>
        ))}
        <span className="ml-auto">{text !== undefined && <CopyButton text={text} what="YAML" />}</span>
        {contract.description && <p className="basis-full text-pretty text-muted">{contract.description}</p>}
      </div>
      {contract.warnings.length > 0 && (
        <ul aria-label="What a bundle would be refused for" className="divide-y border-b bg-ask-soft">
          {contract.warnings.map(({ path, message }) => (
            <li key={`${path} ${message}`} className="flex items-start gap-2 px-4 py-1.5 text-sm">
              <TriangleAlert className="mt-0.5 size-3.5 shrink-0 text-ask" aria-hidden />
              <span className="min-w-0 break-words">{message}</span>
            </li>
          ))}
        </ul>
      )}
      <div className="h-[26rem]">
        {text !== undefined && (
          <LazyEditor
            key={contract.version}
            value={text}
            label={`${contract.contract_id} version ${contract.version}`}
          />
        )}
      </div>
    </>
  )
}

function Uses({ id }: { id: string }) {
  const uses = useQuery(libraryQueries.uses(id))
  return (
    <Card className="overflow-hidden" aria-labelledby="uses">
      <CardHeading id="uses">Used in</CardHeading>
      <Loaded query={uses} rows={1}>
        {(list) =>
          list.length === 0 ? (
            <p className="px-4 py-3 text-muted text-sm">No composition yet.</p>
          ) : (
            <ul className="divide-y">
              {list.map(({ composition_name: name }) => (
                <li key={name}>
                  <Link
                    to="/compositions/$name"
                    params={{ name }}
                    className="flex items-center gap-2 px-4 py-2 text-sm hover:bg-hover focus-visible:-outline-offset-2"
                  >
                    <Blocks className="size-3.5 shrink-0 text-faint" aria-hidden />
                    <span className="min-w-0 truncate">{name}</span>
                  </Link>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Card>
  )
}
