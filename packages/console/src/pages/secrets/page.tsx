import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Eye, EyeOff, LockKeyhole, Plus } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useListKeys } from '../../app/list-keys.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { CopyButton } from '../../ui/copy.tsx'
import { Sheet } from '../../ui/dialog.tsx'
import { Entries, Entry } from '../../ui/entries.tsx'
import { Field, INPUT } from '../../ui/field.tsx'
import { FilterField } from '../../ui/filter-field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { Empty, messageOf } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { When } from '../../ui/when.tsx'
import { deleteSecret, readSecret, type Secret, secretQueries, writeSecret } from './queries.ts'
import type { SecretsSearch } from './route.ts'

/** What agents are handed at run time. Values are read one at a time, by who asks for them, and each reading is recorded. */
export function SecretsPage() {
  const secrets = useQuery(secretQueries.all())
  const search = useSearch({ from: '/inside/secrets' })
  const navigate = useNavigate({ from: '/secrets' })
  const set = (change: SecretsSearch, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...change }), replace })
  useListKeys(null, 'Secrets')
  useShortcuts([{ keys: 'c', label: 'Write a secret', group: 'Secrets', run: () => set({ write: true }, true) }])
  const open = secrets.data?.find(({ path }) => path === search.path)
  const write = (
    <Button variant="primary" onClick={() => set({ write: true }, true)}>
      <Plus aria-hidden /> Write a secret
    </Button>
  )
  return (
    <Page
      title="Secrets"
      lead="Manifests name them by path; an agent gets the value when it starts, and logs show it masked."
      actions={write}
    >
      <Card className="overflow-hidden">
        <CardHeading aside={<FilterField label="Filter by path" value={search.q} onChange={(q) => set({ q }, true)} />}>
          Paths
        </CardHeading>
        <Loaded query={secrets}>
          {(list) => {
            const shown = list.filter(({ path }) => !search.q || path.toLowerCase().includes(search.q.toLowerCase()))
            if (list.length === 0)
              return (
                <Empty icon={LockKeyhole} title="No secret yet" action={write}>
                  Write one, then name its path in a manifest under <code className="font-mono text-sm">secrets</code>.
                </Empty>
              )
            return shown.length === 0 ? (
              <Empty icon={LockKeyhole} title="No path matches" />
            ) : (
              <Entries label="Secrets">
                {shown.map((secret) => (
                  <Entry
                    key={secret.path}
                    isCode
                    title={secret.path}
                    whole={secret.path}
                    onOpen={() => set({ path: secret.path })}
                  >
                    <span className="text-muted text-xs">
                      version {secret.version}, <When at={secret.last_modified} />
                    </span>
                  </Entry>
                ))}
              </Entries>
            )
          }}
        </Loaded>
      </Card>
      <OneSecret secret={open} onClose={() => set({ path: undefined })} onWrite={() => set({ write: true }, true)} />
      <Write
        open={search.write === true}
        onOpenChange={(next) => set({ write: next ? true : undefined }, true)}
        onto={open}
      />
    </Page>
  )
}

interface OneSecretProps {
  readonly secret: Secret | undefined
  readonly onClose: () => void
  readonly onWrite: () => void
}

function OneSecret({ secret, onClose, onWrite }: OneSecretProps) {
  const { ask, dialog } = useConfirmedAct()
  return (
    <>
      <Sheet
        open={secret !== undefined}
        onOpenChange={(open) => open || onClose()}
        title={secret?.path ?? ''}
        description="Each reading of the value stands in the audit log."
      >
        {secret && (
          <div className="flex flex-col gap-5">
            <Value key={`${secret.path} ${secret.version}`} path={secret.path} />
            <Versions path={secret.path} />
            <div className="flex flex-wrap gap-2">
              <Button onClick={onWrite}>Write a new version</Button>
              <Button
                variant="deny"
                onClick={() =>
                  ask({
                    title: `Delete ${secret.path}?`,
                    description:
                      'All versions of it, for good. What names it fails at its next start; what runs keeps the value that it has.',
                    action: 'Delete secret',
                    typed: secret.path,
                    run: () => deleteSecret(secret.path),
                    done: 'Secret deleted',
                    failed: 'It was not deleted.',
                    stale: [['secrets']],
                    onDone: onClose,
                  })
                }
              >
                Delete
              </Button>
            </div>
          </div>
        )}
      </Sheet>
      {dialog}
    </>
  )
}

/** Milliseconds after which a value that is shown is hidden again: somebody may have left the room. */
const SHOWN_FOR = 60_000

function Value({ path }: { path: string }) {
  const reading = useMutation({ mutationFn: readSecret, gcTime: 0 })
  const { data, reset } = reading
  useEffect(() => {
    if (!data) return
    const timer = setTimeout(reset, SHOWN_FOR)
    return () => clearTimeout(timer)
  }, [data, reset])
  return (
    <section aria-label="Value">
      {data ? (
        <>
          {Object.entries(data.data).map(([name, value]) => (
            <div key={name} className="mb-2">
              {data.fields.length > 1 && <p className="mb-1 text-muted text-sm">{name}</p>}
              <div className="flex items-start gap-2 rounded-md border bg-sunken p-2 pl-3">
                <code className="min-w-0 flex-1 select-all whitespace-pre-wrap break-all font-mono text-xs">
                  {value}
                </code>
                <CopyButton text={value} what={data.fields.length > 1 ? name : 'value'} />
              </div>
            </div>
          ))}
          <Button size="sm" onClick={reset}>
            <EyeOff aria-hidden /> Hide
          </Button>
          <span className="ml-3 text-muted text-xs">Hidden by itself after a minute.</span>
        </>
      ) : (
        <Button busy={reading.isPending} onClick={() => reading.mutate(path)}>
          <Eye aria-hidden /> Show the value
        </Button>
      )}
      <p role="alert" className="mt-2 text-deny text-sm">
        {reading.isError && messageOf(reading.error)}
      </p>
    </section>
  )
}

function Versions({ path }: { path: string }) {
  const versions = useQuery(secretQueries.versions(path))
  const { ask, dialog } = useConfirmedAct()
  return (
    <section aria-label="Versions">
      <h3 className="mb-2 font-semibold text-sm">Versions</h3>
      <Loaded query={versions} rows={1}>
        {(list) => (
          <ul className="divide-y rounded-md border">
            {list.map(({ version, state, created_at }) => (
              <li key={version} className="flex items-center gap-3 px-3 py-1.5 text-sm">
                <span className="flex-1">
                  {version}
                  <span className="ml-2 text-muted text-xs">
                    <When at={created_at} />
                  </span>
                </span>
                {state !== 'live' && <Badge>{state}</Badge>}
                {state === 'live' && list.length > 1 && (
                  <Button
                    variant="quiet"
                    size="sm"
                    className="hover:text-deny"
                    aria-label={`Destroy version ${version}`}
                    onClick={() =>
                      ask({
                        title: `Destroy version ${version} of ${path}?`,
                        description: 'For good. The other versions stay.',
                        action: 'Destroy it',
                        run: () => deleteSecret(path, version),
                        done: `Version ${version} destroyed`,
                        failed: 'It was not destroyed.',
                        stale: [['secrets'], ['secret-versions']],
                      })
                    }
                  >
                    Destroy
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      {dialog}
    </section>
  )
}

interface WriteProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
  /** The secret that gets a new version; absent: a new one. */
  readonly onto: Secret | undefined
}

/** A value is held in the page alone, never as a draft. */
function Write({ open, onOpenChange, onto }: WriteProps) {
  const client = useQueryClient()
  const toasts = useToasts()
  const [path, setPath] = useState('')
  const [value, setValue] = useState('')
  const [problem, setProblem] = useState<string | null>(null)
  const close = () => {
    setPath('')
    setValue('')
    setProblem(null)
    onOpenChange(false)
  }
  const writing = useMutation({
    mutationFn: writeSecret,
    gcTime: 0,
    onSuccess: (_, { path: written }) => {
      toasts.done('Secret written', written)
      close()
    },
    onSettled: () =>
      Promise.all([['secrets'], ['secret-versions']].map((queryKey) => client.invalidateQueries({ queryKey }))),
  })
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        if (next) return
        writing.reset()
        close()
      }}
      title={onto ? `New version of ${onto.path}` : 'Write a secret'}
      description={
        onto
          ? 'What is looked up at the moment of a call has it at once; environments of running agents keep the old one.'
          : 'To a path that has one already it adds a version; the newest ten are kept.'
      }
      action="Write"
      busy={writing.isPending}
      error={problem ?? writing.error}
      onSubmit={() => {
        const where = onto?.path ?? path.trim()
        if (!where) return setProblem('Give a path.')
        if (value === '') return setProblem('Give a value.')
        setProblem(null)
        writing.mutate({ path: where, value, expected_version: onto?.version ?? null })
      }}
    >
      {!onto && (
        <Field
          label="Path"
          value={path}
          onChange={(event) => setPath(event.target.value)}
          placeholder="db/password"
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
        />
      )}
      <div>
        <label htmlFor="secret-value" className="mb-1.5 block font-medium text-sm">
          Value
        </label>
        <textarea
          id="secret-value"
          value={value}
          onChange={(event) => setValue(event.target.value)}
          rows={4}
          autoComplete="off"
          spellCheck={false}
          className={`${INPUT} h-auto py-2 font-mono text-sm max-sm:h-auto`}
        />
      </div>
    </FormDialog>
  )
}
