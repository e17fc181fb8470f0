import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { KeyRound, Plus } from 'lucide-react'
import { useState } from 'react'
import { type ApiKey, ENVIRONMENTS } from '../../api/types.ts'
import { useEnvironment } from '../../app/environment.ts'
import { useListKeys } from '../../app/list-keys.ts'
import { session } from '../../app/session.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { EnvironmentTag } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Confirm } from '../../ui/dialog.tsx'
import { FilterField } from '../../ui/filter-field.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { Empty, Failure, messageOf, SkeletonRows } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { When } from '../../ui/when.tsx'
import { CreateKey } from './create-key.tsx'
import { keyQueries, revokeKey } from './queries.ts'
import type { KeysSearch } from './route.ts'

/** Keys open one environment of this tenant to agents. Only administrators create and revoke them. */
export function KeysPage() {
  const keys = useQuery(keyQueries.all())
  const admin = useQuery(session.me()).data?.is_admin ?? false
  const { create: creating = false, q, ...search } = useSearch({ from: '/inside/keys' })
  const navigate = useNavigate({ from: '/keys' })
  const set = (change: KeysSearch, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...change }), replace })
  const { env, none } = useEnvironment(search.env, (value, replace) => set({ env: value }, replace))
  const setCreating = (open: boolean) => set({ create: open ? true : undefined }, true)
  const shown = keys.data
    ?.filter((key) => (!env || key.env === env) && (!q || (key.label ?? '').toLowerCase().includes(q.toLowerCase())))
    .toReversed()
  useListKeys(null, 'API keys')
  const [revoking, setRevoking] = useState<ApiKey | null>(null)
  useShortcuts(admin ? [{ keys: 'c', label: 'Create a key', group: 'API keys', run: () => setCreating(true) }] : [])

  const newKey = admin && (
    <Button variant="primary" onClick={() => setCreating(true)}>
      <Plus aria-hidden /> Create key
    </Button>
  )
  return (
    <Page title="API keys" lead="Agents sign in with a key. It is shown once, when it is created." actions={newKey}>
      {(keys.data?.length ?? 0) > 0 && (
        <div className="mb-3 flex flex-wrap gap-2">
          <FilterField label="Filter by label" value={q} onChange={(value) => set({ q: value }, true)} />
          <FilterMenu
            label="Environment"
            value={env}
            onChange={(value) => set({ env: ENVIRONMENTS.find((one) => one === value) ?? none })}
            options={ENVIRONMENTS.map((value) => ({
              value,
              label: value,
              count: keys.data?.filter((key) => key.env === value).length ?? 0,
            }))}
          />
        </div>
      )}
      <Card className="overflow-hidden">
        {keys.isPending ? (
          <SkeletonRows rows={3} />
        ) : keys.isError && !keys.data ? (
          <Failure error={keys.error} retry={() => void keys.refetch()} />
        ) : keys.data.length === 0 ? (
          <Empty icon={KeyRound} title="No key yet" action={newKey}>
            {admin ? 'Create one, then connect an agent with it.' : 'An administrator can create one.'}
          </Empty>
        ) : shown?.length === 0 ? (
          <Empty icon={KeyRound} title="No key matches" />
        ) : (
          <ul className="divide-y">
            {shown?.map((key) => (
              <li key={key.id} data-row className="flex items-center gap-4 px-4 py-2.5">
                <div className="grid min-w-0 flex-1 gap-x-4 sm:grid-cols-[minmax(0,1fr)_minmax(0,1.4fr)_8rem_7rem] sm:items-center">
                  <span className="truncate font-medium">{key.label ?? 'no label'}</span>
                  <code className="truncate font-mono text-muted text-xs">
                    {key.prefix}…{key.client === 'rulesets' && ' rulesets'}
                    {key.signature === 'base64' && ' base64'}
                  </code>
                  <EnvironmentTag env={key.env} />
                  <span className="text-muted text-xs">
                    <span className="sr-only">created </span>
                    <When at={key.created_at} />
                  </span>
                </div>
                {admin && (
                  <Button
                    variant="quiet"
                    size="sm"
                    onClick={() => setRevoking(key)}
                    aria-label={`Revoke ${key.label ?? key.prefix}`}
                    className="hover:text-deny"
                  >
                    Revoke
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Card>
      <CreateKey open={creating} onOpenChange={setCreating} />
      <Revoke apiKey={revoking} onClose={() => setRevoking(null)} />
    </Page>
  )
}

function Revoke({ apiKey, onClose }: { apiKey: ApiKey | null; onClose: () => void }) {
  const client = useQueryClient()
  const toasts = useToasts()
  const revoke = useMutation({
    mutationFn: (key: ApiKey) => revokeKey(key.id),
    onSuccess: (_, key) => {
      client.setQueryData(keyQueries.all().queryKey, (list) => list?.filter((other) => other.id !== key.id))
      toasts.done('Key revoked', key.label ?? key.prefix)
      onClose()
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['keys'] }),
  })
  return (
    <Confirm
      open={apiKey !== null}
      onOpenChange={(open) => {
        if (open) return
        revoke.reset()
        onClose()
      }}
      title={`Revoke ${apiKey?.label ?? 'this key'}?`}
      description={
        <>
          Agents that use <code className="break-all font-mono text-xs">{apiKey?.prefix}…</code> in {apiKey?.env} are
          refused from their next request on. Their governed calls then fail closed. This cannot be undone.
        </>
      }
      action="Revoke key"
      busy={revoke.isPending}
      error={revoke.isError ? `The key was not revoked. ${messageOf(revoke.error)}` : null}
      onConfirm={() => apiKey && revoke.mutate(apiKey)}
    />
  )
}
