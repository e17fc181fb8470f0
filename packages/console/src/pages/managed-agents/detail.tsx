import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Suspense, useRef, useState } from 'react'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { BackLink } from '../../ui/back-link.tsx'
import { Badge } from '../../ui/badge.tsx'
import { buttonClass } from '../../ui/button.tsx'
import { Confirm } from '../../ui/dialog.tsx'
import { diffLines } from '../../ui/diff.ts'
import { DiffLines, folded } from '../../ui/diff-lines.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Json } from '../../ui/json.tsx'
import { lazily } from '../../ui/lazy.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { Failure, messageOf, SkeletonRows } from '../../ui/states.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { executionQueries } from '../executions/queries.ts'
import { StatusBadge } from '../executions/shared/status.tsx'
import { type ManagedAgentDetail, managedAgentQueries, removeAgent } from './queries.ts'
import { AGENT_TABS, type AgentTab } from './route.ts'
import { ManifestActions, ManifestText } from './shared/manifest-parts.tsx'

const RunAgent = lazily(() => import('../executions/shared/run-agent.tsx').then((file) => file.default))

const LABELS: Readonly<Record<AgentTab, string>> = { about: 'About', manifest: 'Manifest', versions: 'Versions' }

/** One agent that this server runs: what it is, its manifest and versions, its latest runs. */
export function ManagedAgentPage() {
  const { id } = useParams({ from: '/inside/managed-agents/$id' })
  const agent = useQuery(managedAgentQueries.one(id))
  if (agent.data) return <Shown agent={agent.data} />
  return (
    <Page title="Managed agent" lead={<Back />}>
      <Card>
        {agent.isError ? <Failure error={agent.error} retry={() => void agent.refetch()} /> : <SkeletonRows rows={6} />}
      </Card>
    </Page>
  )
}

function Back() {
  return <BackLink to="/managed-agents">All managed agents</BackLink>
}

function Shown({ agent }: { agent: ManagedAgentDetail }) {
  const { tab = 'about', run = false } = useSearch({ from: '/inside/managed-agents/$id' })
  const navigate = useNavigate({ from: '/managed-agents/$id' })
  const [isRemoving, setRemoving] = useState(false)
  const refusal = useRefusal('work')
  const within = useRef<HTMLDivElement>(null)
  useListKeys(within, 'Agent')
  const setRun = (open: boolean) =>
    void navigate({ search: ({ run: _run, ...now }) => (open ? { ...now, run: true } : now), replace: !open })
  useShortcuts([
    { keys: 'Escape', label: 'Back to the list', group: 'Agent', run: () => void navigate({ to: '/managed-agents' }) },
    ...(refusal === null ? [{ keys: 'r', label: 'Run it', group: 'Agent', run: () => setRun(true) }] : []),
  ])
  return (
    <Page
      title={visible(agent.name)}
      lead={<Back />}
      actions={
        <ManifestActions
          noun="agent"
          refusal={refusal}
          newVersion={
            <Link to="/managed-agents/new" search={{ from: agent.id }} className={buttonClass()}>
              New version
            </Link>
          }
          onRemove={() => setRemoving(true)}
          onRun={() => setRun(true)}
        />
      }
    >
      <div ref={within}>
        <Tabs<AgentTab>
          label="Of this agent"
          value={tab}
          onChange={(next) => void navigate({ search: next === 'about' ? {} : { tab: next } })}
          tabs={AGENT_TABS.map((value) => ({ value, label: LABELS[value] }))}
        >
          <TabPanel value="about">
            <About agent={agent} />
          </TabPanel>
          <TabPanel value="manifest">
            <ManifestText yaml={agent.manifest_yaml} />
          </TabPanel>
          <TabPanel value="versions">
            <Versions agent={agent} />
          </TabPanel>
        </Tabs>
      </div>
      <Suspense fallback={null}>
        {run && refusal === null && (
          <RunAgent
            agent={agent}
            {...(agent.input_schema ? { inputSchema: agent.input_schema } : {})}
            onClose={() => setRun(false)}
          />
        )}
      </Suspense>
      <RemoveDialog agent={agent} open={isRemoving} onClose={() => setRemoving(false)} />
    </Page>
  )
}

/** What of a manifest says what the agent may do; each part as it was written. */
const PARTS = ['tools', 'security', 'resources', 'volumes', 'validation', 'credentials', 'output_handler'] as const

function About({ agent }: { agent: ManagedAgentDetail }) {
  const spec = (agent.manifest.spec ?? {}) as Readonly<Record<string, unknown>>
  const task = (spec.task ?? {}) as Readonly<Record<string, unknown>>
  const tools = (Array.isArray(spec.tools) ? spec.tools : []).map((tool) =>
    typeof tool === 'string' ? tool : String((tool as { name?: unknown }).name ?? ''),
  )
  const rest = PARTS.filter((part) => part !== 'tools' && spec[part] !== undefined)
  return (
    <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_22rem]">
      <div className="flex min-w-0 flex-col gap-4">
        <Card aria-label="Summary">
          <Facts
            facts={[
              ['Version', agent.version],
              ...(agent.description ? [['Does', visible(agent.description)] as const] : []),
              ['Deployed', <When key="at" at={agent.updated_at} />],
              [
                'Judged by',
                <Link
                  key="governed"
                  to="/events"
                  search={{ agent_id: agent.name }}
                  className="underline underline-offset-2"
                >
                  the contracts assigned to it; see its calls
                </Link>,
              ],
              ...Object.entries(agent.labels).map(([name, value]) => [visible(name), visible(value)] as const),
              [
                'Tools',
                tools.length === 0 ? (
                  'none'
                ) : (
                  <span key="tools" className="flex flex-wrap gap-1">
                    {tools.map((tool) => (
                      <Badge key={tool}>
                        <span className="font-mono">{visible(tool)}</span>
                      </Badge>
                    ))}
                  </span>
                ),
              ],
            ]}
          />
        </Card>
        {typeof task.instruction === 'string' && (
          <Card aria-labelledby="told">
            <CardHeading id="told">What it is told</CardHeading>
            <p className="whitespace-pre-wrap break-words p-4">{visible(task.instruction)}</p>
          </Card>
        )}
        {rest.map((part) => (
          <Card key={part} aria-labelledby={`part-${part}`}>
            <CardHeading id={`part-${part}`}>
              {part.replaceAll('_', ' ').replace(/^./, (c) => c.toUpperCase())}
            </CardHeading>
            <div className="p-4">
              <Json value={spec[part]} what={part} />
            </div>
          </Card>
        ))}
      </div>
      <LatestRuns agent={agent} />
    </div>
  )
}

const SHOWN = 8

function LatestRuns({ agent }: { agent: ManagedAgentDetail }) {
  const runs = useQuery(executionQueries.list({ agent: agent.id }, 0, SHOWN))
  return (
    <Card aria-labelledby="runs" className="min-w-0 self-start overflow-hidden">
      <CardHeading
        id="runs"
        aside={
          <Link to="/executions" search={{ agent: agent.id }} className="text-muted text-sm hover:text-ink">
            {plural(agent.execution_count, 'execution')}
          </Link>
        }
      >
        Latest runs
      </CardHeading>
      {runs.isPending ? (
        <SkeletonRows rows={4} />
      ) : runs.isError && !runs.data ? (
        <Failure error={runs.error} retry={() => void runs.refetch()} className="py-6" />
      ) : runs.data.rows.length === 0 ? (
        <p className="px-4 py-8 text-center text-muted">It has not run yet.</p>
      ) : (
        <ul className="divide-y">
          {runs.data.rows.map(({ id, status, waiting_for, created_at }) => (
            <li key={id}>
              <Link
                to="/executions/$id"
                params={{ id }}
                data-row
                className="flex h-11 items-center justify-between gap-3 px-4 hover:bg-hover focus-visible:-outline-offset-2"
              >
                <StatusBadge status={status} waitingFor={waiting_for} />
                <When at={created_at} className="shrink-0 text-muted text-xs" />
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

/** Every manifest that was deployed; one is compared with the one before it. */
function Versions({ agent }: { agent: ManagedAgentDetail }) {
  const { version } = useSearch({ from: '/inside/managed-agents/$id' })
  const versions = useQuery(managedAgentQueries.versions(agent.id))
  if (!versions.data)
    return (
      <Card>
        {versions.isError ? (
          <Failure error={versions.error} retry={() => void versions.refetch()} />
        ) : (
          <SkeletonRows rows={4} />
        )}
      </Card>
    )
  const at = Math.max(
    0,
    versions.data.findIndex(({ id }) => id === version),
  )
  const [chosen, before] = [versions.data[at], versions.data[at + 1]]
  return (
    <div className="grid gap-4 lg:grid-cols-[16rem_minmax(0,1fr)]">
      <Card className="self-start overflow-hidden">
        <ul aria-label="Versions, newest first" className="divide-y">
          {versions.data.map((one, index) => (
            <li key={one.id}>
              <Link
                to="/managed-agents/$id"
                params={{ id: agent.id }}
                search={{ tab: 'versions', version: one.id }}
                replace
                resetScroll={false}
                data-row
                aria-current={index === at ? 'true' : undefined}
                className="flex h-11 items-center justify-between gap-3 px-4 hover:bg-hover focus-visible:-outline-offset-2 aria-[current=true]:bg-accent-soft"
              >
                <span className="truncate font-medium text-sm">v{one.version}</span>
                <When at={one.deployed_at} className="shrink-0 text-muted text-xs" />
              </Link>
            </li>
          ))}
        </ul>
      </Card>
      {chosen && (
        <Card aria-labelledby="version" className="min-w-0 overflow-hidden">
          <CardHeading id="version">
            {before ? `v${chosen.version}, against v${before.version}` : `v${chosen.version}, the first`}
          </CardHeading>
          <DiffLines
            rows={
              before
                ? folded(diffLines(before.manifest_yaml, chosen.manifest_yaml))
                : diffLines('', chosen.manifest_yaml)
            }
            label={before ? 'Changes' : 'Manifest'}
            className="max-h-[70vh] rounded-none border-0"
          />
        </Card>
      )}
    </div>
  )
}

function RemoveDialog({ agent, open, onClose }: { agent: ManagedAgentDetail; open: boolean; onClose: () => void }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const toasts = useToasts()
  const remove = useMutation({
    mutationFn: () => removeAgent(agent.id),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['managed-agents', 'all'] })
      toasts.done(`${agent.name} removed`)
      void navigate({ to: '/managed-agents' })
    },
  })
  return (
    <Confirm
      open={open}
      onOpenChange={(isOpen) => isOpen || onClose()}
      title={`Remove ${agent.name}?`}
      description="All its versions go, and it cannot be run any more. What runs goes on to its end, and its executions stay readable."
      action="Remove the agent"
      busy={remove.isPending}
      error={remove.isError ? messageOf(remove.error) : null}
      onConfirm={() => remove.mutate()}
    />
  )
}
