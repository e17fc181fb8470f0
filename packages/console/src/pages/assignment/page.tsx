import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Bot, Pencil, Plus, Signpost, Trash2 } from 'lucide-react'
import { useCallback, useRef, useState } from 'react'
import { type AssignmentRule, ENVIRONMENTS, type Registration } from '../../api/types.ts'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { EnvironmentTag } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Confirm } from '../../ui/dialog.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { SearchField } from '../../ui/search-field.tsx'
import { Empty, Failure, messageOf, Skeleton, SkeletonRows } from '../../ui/states.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { agentQueries } from '../agents/queries.ts'
import { bundleQueries } from '../contracts/queries.ts'
import { assignMany, deleteRule, ruleQueries } from './queries.ts'
import type { AssignmentSearch } from './route.ts'
import { RuleDialog } from './rule-dialog.tsx'
import { tagsText } from './tags.ts'

/** Agents that one request assigns. */
const AT_ONCE = 100

type SetSearch = (change: Partial<Record<keyof AssignmentSearch, string | undefined>>, replace?: boolean) => void

/** Which bundle an agent runs: assigned to it by name, else by the first rule that names it, else what it asks for itself. */
export function AssignmentPage() {
  const search = useSearch({ from: '/inside/assignment' })
  const navigate = useNavigate({ from: '/assignment' })
  const refusal = useRefusal('work')
  const rules = useQuery(ruleQueries.all())
  const set = useCallback<SetSearch>(
    (change, replace = false) =>
      void navigate({ search: (now) => ({ ...now, ...change }) as AssignmentSearch, replace }),
    [navigate],
  )
  useShortcuts([
    { keys: 'n', label: 'New rule', group: 'Assignment', run: () => refusal === null && set({ rule: 'new' }) },
  ])
  const open = search.rule === 'new' ? null : rules.data?.find(({ id }) => id === search.rule)
  return (
    <Page
      title="Assignment"
      lead="An agent runs the bundle assigned to it; else that of the first rule which names it; else the one it asks for itself."
      actions={
        refusal === null && (
          <Button variant="primary" onClick={() => set({ rule: 'new' })}>
            <Plus aria-hidden /> New rule
          </Button>
        )
      }
    >
      {refusal && <Withheld why={refusal} className="mb-3" />}
      <Tabs
        label="Assignment"
        value={search.tab ?? 'rules'}
        onChange={(tab) => set({ tab: tab === 'agents' ? 'agents' : undefined })}
        tabs={[
          { value: 'rules', label: 'Rules' },
          { value: 'agents', label: 'Agents' },
        ]}
      >
        <TabPanel value="rules" className="flex flex-col gap-4">
          <Rules mayChange={refusal === null} onOpen={(id) => set({ rule: id })} />
          <Try search={search} set={set} />
        </TabPanel>
        <TabPanel value="agents">
          <Agents mayAssign={refusal === null} />
        </TabPanel>
      </Tabs>
      {search.rule !== undefined && open !== undefined && (
        <RuleDialog
          key={search.rule}
          rule={open}
          taken={rules.data?.map(({ priority }) => priority) ?? []}
          onClose={() => set({ rule: undefined })}
        />
      )}
    </Page>
  )
}

function Rules({ mayChange, onOpen }: { mayChange: boolean; onOpen: (id: string) => void }) {
  const rules = useQuery(ruleQueries.all())
  const client = useQueryClient()
  const toasts = useToasts()
  const [leaving, setLeaving] = useState<AssignmentRule | null>(null)
  const list = useRef<HTMLElement>(null)
  useListKeys(list, 'Assignment')
  const remove = useMutation({
    mutationFn: (id: string) => deleteRule(id),
    onSuccess: () => {
      toasts.done('The rule is gone')
      setLeaving(null)
    },
    onSettled: () =>
      client.invalidateQueries({
        predicate: ({ queryKey }) => ['rules', 'resolved', 'registrations'].includes(String(queryKey[0])),
      }),
  })
  return (
    <Card ref={list} className="overflow-hidden">
      {rules.isPending ? (
        <SkeletonRows rows={3} />
      ) : rules.isError && !rules.data ? (
        <Failure error={rules.error} retry={() => void rules.refetch()} />
      ) : rules.data.length === 0 ? (
        <Empty
          icon={Signpost}
          title="No rule yet"
          className="py-10"
          action={mayChange && <Button onClick={() => onOpen('new')}>Write the first one</Button>}
        >
          A rule gives a bundle to all agents whose id matches a pattern, in one environment.
        </Empty>
      ) : (
        <ol aria-label="Rules, by priority" className="divide-y">
          {rules.data.map((rule) => (
            <li
              key={rule.id}
              className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-0.5 px-4 py-2 text-sm sm:grid-cols-[3rem_minmax(0,1.2fr)_minmax(0,1fr)_7rem_minmax(0,1fr)_auto]"
            >
              <span className="tabular text-muted max-sm:hidden" title="Priority: the smallest number wins">
                {rule.priority}
              </span>
              <code className="truncate font-mono">{rule.pattern}</code>
              <span className="truncate text-muted text-xs max-sm:hidden">{tagsText(rule.tag_match)}</span>
              <EnvironmentTag env={rule.env} />
              <Link
                to="/contracts/$name"
                params={{ name: rule.bundle_name }}
                className="truncate underline-offset-2 hover:underline"
              >
                {visible(rule.bundle_name)}
              </Link>
              {mayChange && (
                <span className="flex justify-end gap-1">
                  <Button
                    variant="quiet"
                    size="icon"
                    data-row={rule.id}
                    aria-label={`Change the rule ${rule.pattern}`}
                    onClick={() => onOpen(rule.id)}
                  >
                    <Pencil aria-hidden />
                  </Button>
                  <Button
                    variant="quiet"
                    size="icon"
                    aria-label={`Delete the rule ${rule.pattern}`}
                    onClick={() => setLeaving(rule)}
                  >
                    <Trash2 aria-hidden />
                  </Button>
                </span>
              )}
            </li>
          ))}
        </ol>
      )}
      <Confirm
        open={leaving !== null}
        onOpenChange={(open) => open || setLeaving(null)}
        title={`Delete the rule ${leaving?.pattern ?? ''}?`}
        description={`Agents that it named in ${leaving?.env ?? ''} run what the next rule says, or what they ask for.`}
        action="Delete rule"
        busy={remove.isPending}
        error={remove.isError ? messageOf(remove.error) : null}
        onConfirm={() => leaving && remove.mutate(leaving.id)}
      />
    </Card>
  )
}

const SOURCES: Readonly<Record<string, string>> = {
  explicit: 'assigned to it by name',
  rule: 'by the rule',
  agent_provided: 'named by the agent itself',
  none: 'nothing is assigned, and no rule names it',
}

/** Which bundle an agent would run, and why. */
function Try({ search, set }: { search: AssignmentSearch; set: SetSearch }) {
  const env = search.env ?? 'production'
  const field = useRef<HTMLInputElement>(null)
  useShortcuts([{ keys: '/', label: 'Try an agent', group: 'Assignment', run: () => field.current?.focus() }])
  const agent = search.try ?? ''
  const typed = useCallback((value: string) => set({ try: value || undefined }, Boolean(agent && value)), [set, agent])
  const resolved = useQuery({ ...agentQueries.resolved(agent, env), enabled: agent !== '' })
  return (
    <Card aria-labelledby="try" className="overflow-hidden">
      <CardHeading id="try">Try an agent</CardHeading>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 py-3">
        <SearchField ref={field} label="Id of an agent" placeholder="Id of an agent" value={agent} onChange={typed} />
        <FilterMenu
          label="in"
          required
          value={env}
          options={ENVIRONMENTS.map((value) => ({ value, label: value }))}
          onChange={(value) => set({ env: value === 'production' ? undefined : value })}
        />
        <p aria-live="polite" className="min-w-0 text-sm">
          {agent === '' ? (
            <span className="text-muted">Which bundle would it run?</span>
          ) : resolved.isPending ? (
            <Skeleton className="h-4 w-40" />
          ) : resolved.isError ? (
            <span className="text-deny">{messageOf(resolved.error)}</span>
          ) : (
            <>
              <strong className="font-medium">{resolved.data.bundle_name ?? 'no bundle'}</strong>:{' '}
              {SOURCES[resolved.data.source] ?? resolved.data.source}
              {resolved.data.rule_pattern && (
                <code className="ml-1 font-mono text-xs">{resolved.data.rule_pattern}</code>
              )}
            </>
          )}
        </p>
      </div>
    </Card>
  )
}

/** Everyone with the bundle it is to run; those that are chosen are assigned together. */
function Agents({ mayAssign }: { mayAssign: boolean }) {
  const client = useQueryClient()
  const toasts = useToasts()
  const registered = useQuery(agentQueries.registered())
  const bundles = useQuery(bundleQueries.all()).data ?? []
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const toggle = (id: string) =>
    setChosen((now) => (now.has(id) ? new Set([...now].filter((one) => one !== id)) : new Set([...now, id])))
  const list = useRef<HTMLElement>(null)
  useListKeys(list, 'Assignment')
  useShortcuts([
    {
      keys: 'x',
      label: 'Choose the agent',
      group: 'Assignment',
      run: () => {
        const row = document.activeElement?.closest('li')?.querySelector<HTMLElement>('[data-row]')
        if (mayAssign && row?.dataset.row) toggle(row.dataset.row)
      },
    },
    { keys: 'Escape', label: 'Choose none', group: 'Assignment', run: () => setChosen(new Set()) },
  ])
  const assign = useMutation({
    mutationFn: async (bundle: string) => {
      const ids = [...chosen]
      let updated = 0
      for (let start = 0; start < ids.length; start += AT_ONCE)
        updated += (await assignMany(ids.slice(start, start + AT_ONCE), bundle)).updated
      return updated
    },
    onSuccess: (updated, bundle) => {
      toasts.done(`${plural(updated, 'agent')} ${bundle ? `to run ${bundle}` : 'without an assignment'}`)
      setChosen(new Set())
    },
    onError: (error) => toasts.failed('Not all were assigned', messageOf(error)),
    onSettled: () =>
      client.invalidateQueries({
        predicate: ({ queryKey }) => ['registrations', 'resolved', 'agents'].includes(String(queryKey[0])),
      }),
  })
  return (
    <Card ref={list} className="overflow-hidden">
      {registered.isPending ? (
        <SkeletonRows rows={4} />
      ) : registered.isError && !registered.data ? (
        <Failure error={registered.error} retry={() => void registered.refetch()} />
      ) : registered.data.length === 0 ? (
        <Empty icon={Bot} title="No agent ever connected" className="py-10">
          An agent can be assigned a bundle once it connected.
        </Empty>
      ) : (
        <>
          {mayAssign && (
            <div className="flex min-h-11 flex-wrap items-center gap-2 border-b px-4 py-1.5 text-sm">
              <span role="status" className="text-muted">
                {chosen.size === 0
                  ? 'Choose agents to assign them a bundle.'
                  : `${plural(chosen.size, 'agent')} chosen`}
              </span>
              {chosen.size > 0 && (
                <>
                  <FilterMenu
                    label="Assign"
                    value={undefined}
                    options={bundles.map(({ name }) => ({ value: name, label: name }))}
                    onChange={(value) => value && assign.mutate(value)}
                  />
                  <Button size="sm" busy={assign.isPending} onClick={() => assign.mutate('')}>
                    Take back
                  </Button>
                </>
              )}
            </div>
          )}
          <ul className="divide-y">
            {registered.data.map((agent) => (
              <AgentRow
                key={agent.agent_id}
                agent={agent}
                isChosen={chosen.has(agent.agent_id)}
                onToggle={mayAssign ? () => toggle(agent.agent_id) : null}
              />
            ))}
          </ul>
        </>
      )}
    </Card>
  )
}

interface AgentRowProps {
  readonly agent: Registration
  readonly isChosen: boolean
  readonly onToggle: (() => void) | null
}

function AgentRow({ agent, isChosen, onToggle }: AgentRowProps) {
  return (
    <li className="grid grid-cols-[1.25rem_minmax(0,1fr)_auto] items-center gap-x-3 gap-y-0.5 px-4 py-2 text-sm sm:grid-cols-[1.25rem_minmax(0,1.2fr)_minmax(0,1fr)_7rem_5rem]">
      {onToggle ? (
        <input
          type="checkbox"
          data-row={agent.agent_id}
          aria-label={`Choose ${agent.agent_id}`}
          checked={isChosen}
          onChange={onToggle}
          className="size-4 accent-(--accent)"
        />
      ) : (
        <span />
      )}
      <Link
        to="/agents/$agent"
        params={{ agent: agent.agent_id }}
        search={{ tab: 'assignment' }}
        className="truncate font-mono underline-offset-2 hover:underline"
      >
        {visible(agent.agent_id)}
      </Link>
      <span className="truncate max-sm:order-5 max-sm:col-span-2 max-sm:col-start-2">
        {agent.bundle_name ? (
          visible(agent.bundle_name)
        ) : agent.resolved_bundle ? (
          <>
            {visible(agent.resolved_bundle)} <span className="text-muted text-xs">by a rule</span>
          </>
        ) : (
          <span className="text-faint">{agent.running_bundle ? `${agent.running_bundle}, its own` : 'no bundle'}</span>
        )}
      </span>
      <span className="max-sm:hidden">{agent.env && <EnvironmentTag env={agent.env} />}</span>
      <span className="text-right text-muted text-xs">{agent.last_seen_at && <When at={agent.last_seen_at} />}</span>
    </li>
  )
}
