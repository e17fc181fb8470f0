import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Building2, Plus } from 'lucide-react'
import { useListKeys } from '../../app/list-keys.ts'
import { session } from '../../app/session.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { FilterField } from '../../ui/filter-field.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { type RowAction, RowMenu } from '../../ui/row-menu.tsx'
import { Empty } from '../../ui/states.tsx'
import { When } from '../../ui/when.tsx'
import { CreateTenant, InviteInto, Quotas, TenantLink } from './forms.tsx'
import { deleteTenant, resumeTenant, suspendTenant, type Tenant, tenantQueries } from './queries.ts'
import type { TenantsSearch } from './route.ts'

/** Every tenant of the installation, for who looks after it. */
export function TenantsPage() {
  const tenants = useQuery(tenantQueries.all())
  const search = useSearch({ from: '/inside/settings/tenants' })
  const navigate = useNavigate({ from: '/settings/tenants' })
  const set = (change: TenantsSearch) => void navigate({ search: (now) => ({ ...now, ...change }), replace: true })
  const { ask, dialog } = useConfirmedAct()
  const own = useQuery(session.me()).data?.tenant_id
  useListKeys(null, 'Tenants')
  useShortcuts([{ keys: 'c', label: 'Make a tenant', group: 'Tenants', run: () => set({ create: true }) }])
  const stale = [['all-tenants'], ['tenants']]
  const actionsOf = (tenant: Tenant): readonly RowAction[] => [
    { label: 'Invite somebody', onSelect: () => set({ invite: tenant.slug }) },
    { label: 'Set its numbers', onSelect: () => set({ quotas: tenant.slug }) },
    // The tenant that looks after the installation stays.
    ...(tenant.id === own
      ? []
      : [
          tenant.status === 'suspended'
            ? {
                label: 'Resume',
                onSelect: () =>
                  ask({
                    title: `Let ${tenant.display_name} go on?`,
                    description: 'Its sessions and keys are good again. What was cancelled stays so.',
                    action: 'Resume',
                    run: () => resumeTenant(tenant.slug),
                    done: `${tenant.display_name} goes on`,
                    failed: 'It is still suspended.',
                    stale,
                  }),
              }
            : {
                label: 'Suspend',
                grave: true,
                onSelect: () =>
                  ask({
                    title: `Suspend ${tenant.display_name}?`,
                    description:
                      'Its people and keys are refused, streams end, executions and workflows are cancelled. Nothing is lost, and it can go on later.',
                    action: 'Suspend',
                    run: () => suspendTenant(tenant.slug),
                    done: `${tenant.display_name} is suspended`,
                    failed: 'It was not suspended.',
                    stale,
                  }),
              },
          {
            label: 'Delete',
            grave: true,
            onSelect: () =>
              ask({
                title: `Delete ${tenant.display_name}?`,
                description:
                  'Everything of it stops at once, for good. Its records stay in the database, out of reach, and its short name stays taken.',
                action: 'Delete tenant',
                typed: tenant.slug,
                run: () => deleteTenant(tenant.slug),
                done: `${tenant.display_name} was deleted`,
                failed: 'It was not deleted.',
                stale,
              }),
          },
        ]),
  ]
  const create = (
    <Button variant="primary" onClick={() => set({ create: true })}>
      <Plus aria-hidden /> Make a tenant
    </Button>
  )
  const q = search.q?.toLowerCase()
  return (
    <Page
      title="Tenants"
      lead="Each has people, keys, contracts and a signing key of its own; none sees another."
      actions={create}
    >
      <Card className="overflow-hidden">
        <CardHeading
          aside={<FilterField label="Filter by name" value={search.q} onChange={(value) => set({ q: value })} />}
        >
          All tenants
        </CardHeading>
        <Loaded query={tenants}>
          {(list) => {
            const shown = list.filter(
              ({ slug, display_name }) => !q || slug.includes(q) || display_name.toLowerCase().includes(q),
            )
            return shown.length === 0 ? (
              <Empty icon={Building2} title="No tenant matches" />
            ) : (
              <ul aria-label="Tenants" className="divide-y">
                {shown.map((tenant) => (
                  <li
                    key={tenant.id}
                    data-row
                    className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 px-4 py-2.5 sm:grid-cols-[minmax(0,1fr)_minmax(0,1fr)_6rem_2.5rem]"
                  >
                    <span className="min-w-0">
                      <span className="block truncate font-medium" title={tenant.display_name}>
                        {tenant.display_name}
                        {tenant.id === own && <span className="ml-2 font-normal text-muted text-xs">yours</span>}
                      </span>
                      <code className="block truncate font-mono text-muted text-xs" title={tenant.slug}>
                        {tenant.slug}
                      </code>
                    </span>
                    <span className="min-w-0 text-muted text-xs max-sm:order-3 max-sm:col-span-2">
                      <span className="block break-words">
                        {tenant.tier}, {tenant.kind}, since <When at={tenant.created_at} />
                      </span>
                      <span className="tabular block break-words">
                        {tenant.quotas.max_concurrent_executions} executions at once, {tenant.quotas.max_agents} agents,{' '}
                        {tenant.quotas.max_storage_gb} GB
                      </span>
                    </span>
                    <span className="max-sm:order-4">
                      <Badge tone={tenant.status === 'active' ? 'allow' : 'deny'}>{tenant.status}</Badge>
                    </span>
                    <span className="justify-self-end max-sm:order-2">
                      <RowMenu label={`More about ${tenant.display_name}`} actions={actionsOf(tenant)} />
                    </span>
                  </li>
                ))}
              </ul>
            )
          }}
        </Loaded>
      </Card>
      {dialog}
      <CreateTenant
        open={search.create === true}
        onOpenChange={(open) => set({ create: open ? true : undefined })}
        onCreated={(slug) => set({ create: undefined, invite: slug })}
      />
      <InviteInto slug={search.invite ?? null} onClose={() => set({ invite: undefined })} />
      <Quotas
        tenant={tenants.data?.find(({ slug }) => slug === search.quotas)}
        onClose={() => set({ quotas: undefined })}
      />
      <TenantLink />
    </Page>
  )
}
