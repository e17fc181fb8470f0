import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { Ban } from 'lucide-react'
import { type ReactNode, useRef } from 'react'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { BackLink } from '../../ui/back-link.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { bytes } from '../../ui/bytes.ts'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Kbd } from '../../ui/kbd.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { useAtNow } from '../../ui/ticker.ts'
import { countdown } from '../../ui/time.ts'
import { visible } from '../../ui/visible.ts'
import { Clock, When } from '../../ui/when.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { cancelExecution } from '../executions/queries.ts'
import { StatusBadge } from '../executions/shared/status.tsx'
import { type Member, type SwarmDetail, swarmQueries } from './queries.ts'
import { agentNames, childrenOf, endAll, endsOf, nameOf, reasonOf } from './swarm.ts'
import { SwarmBadge } from './swarm-badge.tsx'

/** One swarm: who works in it and how each stands, what they told each other, what they hold. */
export function SwarmPage() {
  const { id } = useParams({ from: '/inside/swarms/$id' })
  const swarm = useQuery(swarmQueries.one(id))
  if (swarm.data) return <Shown swarm={swarm.data} />
  return (
    <Page title="Swarm" lead={<Back />}>
      <Card>
        <Loaded query={swarm} rows={6}>
          {() => null}
        </Loaded>
      </Card>
    </Page>
  )
}

function Back() {
  return <BackLink to="/swarms">All swarms</BackLink>
}

function Shown({ swarm }: { swarm: SwarmDetail }) {
  const navigate = useNavigate()
  const refusal = useRefusal('work')
  const within = useRef<HTMLDivElement>(null)
  useListKeys(within, 'Swarm')
  const { ask, dialog } = useConfirmedAct()
  const ends = endsOf(swarm)
  const parentGoes = ends.some(({ role }) => role === 'parent')
  const askCancel = () =>
    ask({
      title: `Cancel the swarm of ${nameOf(swarm)}?`,
      description: parentGoes
        ? 'The run that began it is cancelled. All that was begun in it ends, and what they hold is free.'
        : `The run that began it has ended. ${plural(ends.length, 'run')} that it began ${ends.length === 1 ? 'goes' : 'go'} on and will be cancelled.`,
      action: 'Cancel the swarm',
      run: () => endAll(ends, cancelExecution),
      done: `The swarm of ${nameOf(swarm)} is being cancelled`,
      failed: 'It was not cancelled.',
      stale: [['swarms'], ['executions']],
    })
  const mayCancel = refusal === null && ends.length > 0
  useShortcuts([
    { keys: 'Escape', label: 'Back to the list', group: 'Swarm', run: () => void navigate({ to: '/swarms' }) },
    ...(mayCancel ? [{ keys: 'x', label: 'Cancel it', group: 'Swarm', run: askCancel }] : []),
  ])
  return (
    <Page
      title={nameOf(swarm)}
      lead={
        <span className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1">
          <Back />
          <SwarmBadge status={swarm.status} />
        </span>
      }
      actions={
        mayCancel ? (
          <Button onClick={askCancel}>
            <Ban aria-hidden /> Cancel <Kbd keys="x" />
          </Button>
        ) : (
          refusal !== null && <Withheld why={refusal} className="max-w-xs" />
        )
      }
    >
      <div ref={within} className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="flex min-w-0 flex-col gap-4">
          <Part title="Members" aside={childrenOf(swarm)}>
            <ul aria-label="Members" className="divide-y">
              {swarm.members.map((member) => (
                <MemberRow key={member.execution_id} member={member} />
              ))}
            </ul>
          </Part>
          <Messages swarm={swarm} />
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          <Summary swarm={swarm} />
          <Locks swarm={swarm} />
        </div>
      </div>
      {dialog}
    </Page>
  )
}

function Part({ title, aside, children }: { title: string; aside?: string; children: ReactNode }) {
  const id = title.toLowerCase()
  return (
    <Card aria-labelledby={id} className="min-w-0 overflow-hidden">
      <CardHeading id={id} aside={aside && <span className="truncate text-muted text-xs">{aside}</span>}>
        {title}
      </CardHeading>
      {children}
    </Card>
  )
}

function MemberRow({ member }: { member: Member }) {
  return (
    <li>
      <Link
        to="/executions/$id"
        params={{ id: member.execution_id }}
        data-row
        className="grid min-h-12 grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 px-4 py-2 hover:bg-hover focus-visible:-outline-offset-2 sm:grid-cols-[8rem_minmax(0,1fr)_auto]"
      >
        <span className="flex">
          <StatusBadge status={member.status} />
        </span>
        <span className="flex min-w-0 items-center gap-2 max-sm:order-first">
          <span className="truncate font-medium text-sm">{visible(member.agent_name)}</span>
          {member.role === 'parent' && <Badge>began it</Badge>}
        </span>
        <span className="text-muted text-xs max-sm:order-3">
          {member.ended_at === null ? 'since ' : 'ended '}
          <When at={member.ended_at ?? member.started_at} />
        </span>
      </Link>
    </li>
  )
}

function Messages({ swarm }: { swarm: SwarmDetail }) {
  const { recent_messages, recent_message_count, members } = swarm
  const nameOfAgent = agentNames(members)
  const count = recent_messages.length
  return (
    <Part
      title="Messages"
      {...(count < recent_message_count ? { aside: `newest ${count} of ${recent_message_count}` } : {})}
    >
      {count === 0 ? (
        <p className="px-4 py-6 text-center text-muted">No member has told another anything.</p>
      ) : (
        <>
          <ol aria-label="Messages, newest first" className="divide-y">
            {recent_messages.map(({ from, to, payload_bytes, sent_at }, index) => (
              <li
                // biome-ignore lint/suspicious/noArrayIndexKey: a message has no id; several of one instant are alike
                key={`${sent_at} ${from} ${to} ${index}`}
                className="grid grid-cols-[minmax(0,1fr)_auto_auto] items-center gap-x-4 px-4 py-2 text-sm"
              >
                <span className="min-w-0 break-words">
                  {nameOfAgent(from)} <span className="text-muted">to</span> {nameOfAgent(to)}
                </span>
                <span className="tabular text-muted text-xs">{bytes(payload_bytes)}</span>
                <span className="text-muted text-xs">
                  <Clock at={sent_at} />
                </span>
              </li>
            ))}
          </ol>
          <p className="border-t px-4 py-2 text-muted text-xs">What a message says, its receiver alone reads.</p>
        </>
      )}
    </Part>
  )
}

function Summary({ swarm }: { swarm: SwarmDetail }) {
  const reason = reasonOf(swarm)
  return (
    <Part title="Summary">
      <Facts
        className="grid-cols-1 sm:grid-cols-[6rem_minmax(0,1fr)]"
        facts={[
          ['Began', <When key="began" at={swarm.created_at} />],
          ...(swarm.dissolved_at ? [['Dissolved', <When key="dissolved" at={swarm.dissolved_at} />] as const] : []),
          ...(reason ? [['Because', reason] as const] : []),
          [
            'Id',
            <code key="id" className="break-all font-mono text-xs">
              {swarm.id}
            </code>,
          ],
        ]}
      />
    </Part>
  )
}

function Locks({ swarm: { locks, members } }: { swarm: SwarmDetail }) {
  return (
    <Part title="Locks">
      {locks.length === 0 ? (
        <p className="px-4 py-6 text-center text-muted">Nothing is held.</p>
      ) : (
        <ul aria-label="Locks" className="divide-y">
          {locks.map((lock) => (
            <li key={lock.resource_id} className="px-4 py-2 text-sm">
              <code className="block break-all font-mono text-xs">{visible(lock.resource_id)}</code>
              <span className="text-muted text-xs">
                <Link
                  to="/executions/$id"
                  params={{ id: lock.holder_execution_id }}
                  className="underline underline-offset-2"
                >
                  {agentNames(members)(lock.held_by)}
                </Link>{' '}
                has it, <Until at={lock.expires_at} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Part>
  )
}

function Until({ at }: { at: string }) {
  const then = Date.parse(at)
  return (
    <span className="tabular">{useAtNow((now) => (then > now ? `for ${countdown(then - now)}` : 'until now'))}</span>
  )
}
