import { useQuery } from '@tanstack/react-query'
import { TriangleAlert } from 'lucide-react'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { Badge } from '../../ui/badge.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { Entries, Entry } from '../../ui/entries.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { type RowAction, RowMenu } from '../../ui/row-menu.tsx'
import { duration } from '../../ui/time.ts'
import type { Tone } from '../../ui/verdict.ts'
import { When } from '../../ui/when.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { activateNode, drainNode, type Health, type Node, removeNode, systemQueries } from './queries.ts'

/** How the server fares, and the servers beside it. */
export function SystemPage() {
  const health = useQuery(systemQueries.health())
  useListKeys(null, 'System')
  return (
    <Page title="System" lead="How this server and those beside it fare, read again every half minute.">
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Card className="overflow-hidden">
          <CardHeading>This server</CardHeading>
          {health.data && health.data.status !== 'ok' && (
            <p role="alert" className="flex items-center gap-2 border-b bg-deny-soft px-4 py-2 text-sm">
              <TriangleAlert className="size-4 shrink-0 text-deny" aria-hidden />
              The server says that it is degraded.
            </p>
          )}
          <Loaded query={health} rows={6}>
            {(one) => <HealthFacts health={one} />}
          </Loaded>
        </Card>
        <Card className="overflow-hidden">
          <CardHeading>Work in the background</CardHeading>
          <Loaded query={health} rows={6}>
            {({ worker_status }) => <Workers status={worker_status} />}
          </Loaded>
        </Card>
      </div>
      <Nodes />
    </Page>
  )
}

const reach = ({ connected, latency_ms }: Health['database']) =>
  connected ? (
    <>
      <Badge tone="allow">reached</Badge>
      {latency_ms !== null && <span className="tabular ml-2 text-muted text-sm">{latency_ms.toLocaleString()} ms</span>}
    </>
  ) : (
    <Badge tone="deny">away</Badge>
  )

const GIB = 1_024 ** 3

function HealthFacts({ health }: { health: Health }) {
  const { storage } = health
  return (
    <Facts
      facts={[
        [
          'Status',
          <Badge key="status" tone={health.status === 'ok' ? 'allow' : 'deny'}>
            {health.status}
          </Badge>,
        ],
        ['Version', health.version],
        ['Sign-in', health.auth_provider],
        ['Database', reach(health.database)],
        ['Live events', reach(health.redis)],
        [
          'Disk',
          storage.full ? (
            <Badge key="disk" tone="deny">
              full
            </Badge>
          ) : storage.free_bytes === null ? (
            'of the database server'
          ) : (
            `${(storage.free_bytes / GIB).toLocaleString(undefined, { maximumFractionDigits: 1 })} GiB free`
          ),
        ],
        ['Connected agents', health.connected_agents.toLocaleString()],
        [
          'Public address',
          health.base_url_https ? (
            <Badge key="https" tone="allow">
              https
            </Badge>
          ) : (
            <>
              <Badge tone="ask">plain http</Badge>
              <span className="ml-2 text-muted text-sm">chat buttons and cookies elsewhere need https</span>
            </>
          ),
        ],
      ]}
    />
  )
}

function Workers({ status }: { status: Health['worker_status'] }) {
  const all = Object.entries(status)
  const astray = all.filter(([, state]) => state !== 'running')
  return (
    <div className="p-4">
      <p className="mb-3 text-muted text-sm">
        {astray.length === 0
          ? `All ${all.length} run.`
          : `${plural(astray.length, 'worker')} of ${all.length} ${astray.length === 1 ? 'does' : 'do'} not run.`}
      </p>
      <ul aria-label="Workers" className="flex flex-wrap gap-1.5">
        {[...astray, ...all.filter(([, state]) => state === 'running')].map(([name, state]) => (
          <li key={name} className="max-w-full">
            <Badge tone={state === 'running' ? 'neutral' : 'deny'}>
              <span className="truncate">
                {name.replaceAll('_', ' ')}
                {state !== 'running' && `: ${state}`}
              </span>
            </Badge>
          </li>
        ))}
      </ul>
    </div>
  )
}

const TONES: Readonly<Record<Node['status'], Tone>> = { active: 'allow', draining: 'ask', unhealthy: 'deny' }

function Nodes() {
  const cluster = useQuery(systemQueries.cluster())
  const refusal = useRefusal('operate')
  const { ask, dialog } = useConfirmedAct()
  const stale = [['cluster']]
  const actionsOf = (node: Node): readonly RowAction[] => [
    ...(node.status === 'active'
      ? [
          {
            label: 'Drain',
            onSelect: () =>
              ask({
                title: `Drain ${node.hostname}?`,
                description:
                  'It takes nothing new; what runs there goes on to its end. Executions that it is asked to start are taken up by another server, and refused where there is none.',
                action: 'Drain',
                run: () => drainNode(node.id),
                done: `${node.hostname} takes nothing new`,
                failed: 'It was not drained.',
                stale,
              }),
          },
        ]
      : []),
    ...(node.status === 'draining'
      ? [
          {
            label: 'Take what is new again',
            onSelect: () =>
              ask({
                title: `Let ${node.hostname} take what is new again?`,
                description: 'Executions may start there from now on.',
                action: 'Let it',
                run: () => activateNode(node.id),
                done: `${node.hostname} takes what is new again`,
                failed: 'It still drains.',
                stale,
              }),
          },
        ]
      : []),
    ...(node.status === 'unhealthy'
      ? [
          {
            label: 'Take off the list',
            grave: true,
            onSelect: () =>
              ask({
                title: `Take ${node.hostname} off the list?`,
                description: 'For a server that is gone. One that is heard of again comes back by itself.',
                action: 'Take it off',
                run: () => removeNode(node.id),
                done: `${node.hostname} is off the list`,
                failed: 'It is still on the list.',
                stale,
              }),
          },
        ]
      : []),
  ]
  return (
    <Card className="mt-4 overflow-hidden">
      <CardHeading
        aside={
          cluster.data && (
            <span className="flex items-center gap-2 text-muted text-xs">
              <span className="max-sm:hidden">up for {duration(cluster.data.uptime_seconds)}</span>
              <Badge tone={cluster.data.overall_status === 'healthy' ? 'allow' : 'deny'}>
                {cluster.data.overall_status}
              </Badge>
            </span>
          )
        }
      >
        Servers
      </CardHeading>
      <Loaded query={cluster}>
        {({ nodes }) => (
          <Entries label="Servers">
            {nodes.map((node) => (
              <Entry
                key={node.id}
                title={node.hostname}
                whole={node.id}
                detail={
                  <>
                    {node.version}, {node.role}, {plural(node.cpu_cores, 'core')},{' '}
                    {node.available_memory_gb.toLocaleString(undefined, { maximumFractionDigits: 1 })} GB free, heard of{' '}
                    <When at={node.last_heartbeat_at} />
                  </>
                }
              >
                <Badge tone={TONES[node.status]}>{node.status}</Badge>
                {!refusal && <RowMenu label={`More about ${node.hostname}`} actions={actionsOf(node)} />}
              </Entry>
            ))}
          </Entries>
        )}
      </Loaded>
      {refusal && <Withheld why={`Draining: ${refusal}`} className="border-t px-4 py-3" />}
      {dialog}
    </Card>
  )
}
