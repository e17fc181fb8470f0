import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { CalendarClock } from 'lucide-react'
import { ListPage } from '../../app/list-page.tsx'
import { useRefusal } from '../../app/permission.ts'
import { Badge } from '../../ui/badge.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { useAtNow } from '../../ui/ticker.ts'
import { countdown } from '../../ui/time.ts'
import { visible } from '../../ui/visible.ts'
import { OpenSchedule } from './detail.tsx'
import { SetSchedule } from './form.tsx'
import { type Schedule, scheduleQueries } from './queries.ts'
import type { SchedulesSearch } from './route.ts'
import { Pause, timingOf } from './schedule-parts.tsx'
import { inZone } from './times.ts'

const STATES = [
  { value: 'on', label: 'On' },
  { value: 'paused', label: 'Paused' },
  { value: 'failed', label: 'Last start failed' },
] as const

const isIn = (one: Schedule, state: SchedulesSearch['state']): boolean =>
  state === undefined || (state === 'failed' ? one.last_error !== null : one.enabled === (state === 'on'))

/** What is started by the clock: agents and workflows, when, and whether it went well. */
export function SchedulesPage() {
  const search = useSearch({ from: '/inside/schedules' })
  const navigate = useNavigate({ from: '/schedules' })
  const set = (change: SchedulesSearch, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...change }), replace })
  const schedules = useQuery(scheduleQueries.all())
  const refusal = useRefusal('work')
  const setCreating = (open: boolean) => set({ create: open ? true : undefined }, true)
  const wanted = search.q?.toLowerCase() ?? ''
  return (
    <ListPage
      title="Schedules"
      lead="Agents and workflows that are started by the clock. Those of a manifest follow it."
      icon={CalendarClock}
      query={schedules}
      rowsOf={(list) =>
        list.filter(
          (one) =>
            isIn(one, search.state) &&
            [one.name, one.workflow, one.agent].some((text) => text?.toLowerCase().includes(wanted)),
        )
      }
      row={(one) => (
        <Row key={one.id} schedule={one} mayWrite={refusal === null} onOpen={() => set({ name: one.name })} />
      )}
      q={search.q}
      onQ={(q) => set({ q }, true)}
      filters={
        <FilterMenu
          label="State"
          value={search.state}
          onChange={(value) => set({ state: STATES.find((state) => state.value === value)?.value })}
          options={STATES.map((state) => ({
            ...state,
            count: schedules.data?.filter((one) => isIn(one, state.value)).length ?? 0,
          }))}
        />
      }
      isNothing={(list) => list.length === 0}
      nothing={{
        title: 'Nothing is started by the clock',
        command: "npx lictor schedule set nightly --workflow NAME --cron '30 2 * * *' --timezone Europe/Berlin",
        words: (
          <>
            Set a schedule here, write one into a manifest under{' '}
            <code className="font-mono text-sm">spec.schedule</code>, or:
          </>
        ),
      }}
      noMatch="No schedule matches"
      make={{ label: 'Set a schedule', run: () => setCreating(true) }}
    >
      <OpenSchedule
        name={search.name}
        list={schedules.data}
        mayWrite={refusal === null}
        onClose={() => set({ name: undefined })}
      />
      {refusal === null && <SetSchedule open={search.create === true} onOpenChange={setCreating} />}
    </ListPage>
  )
}

interface RowProps {
  readonly schedule: Schedule
  readonly mayWrite: boolean
  readonly onOpen: () => void
}

function Row({ schedule, mayWrite, onOpen }: RowProps) {
  const { name, workflow, agent, enabled, of_manifest, last_error, next_at } = schedule
  return (
    <li className="flex items-center hover:bg-hover">
      <button
        type="button"
        data-row
        onClick={onOpen}
        className="grid min-h-13 min-w-0 flex-1 items-center gap-x-4 gap-y-1 px-4 py-2 text-left focus-visible:-outline-offset-2 sm:grid-cols-[minmax(0,1fr)_14rem]"
      >
        <span className="min-w-0">
          <span className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
            <span className="min-w-0 truncate font-medium">{visible(name)}</span>
            {!enabled && <Badge tone="ask">paused</Badge>}
            {of_manifest && <Badge>of its manifest</Badge>}
            {last_error !== null && <Badge tone="deny">last start failed</Badge>}
          </span>
          <span className="block truncate text-muted text-xs">
            {workflow === null ? 'agent' : 'workflow'} {visible(workflow ?? agent ?? '')}
          </span>
        </span>
        <span className="min-w-0 text-xs">
          <code className="block truncate font-mono" title={timingOf(schedule)}>
            {timingOf(schedule)}
          </code>
          <span className="block text-muted">
            {next_at === null ? (
              enabled ? (
                'never again'
              ) : (
                'not due while it is paused'
              )
            ) : (
              <Next at={next_at} zone={schedule.timezone} />
            )}
          </span>
        </span>
      </button>
      {mayWrite && !of_manifest && (
        <span className="pr-3">
          <Pause schedule={schedule} />
        </span>
      )}
    </li>
  )
}

function Next({ at, zone }: { at: string; zone: string | null }) {
  const then = Date.parse(at)
  const left = useAtNow((now) => (then > now ? `in ${countdown(then - now)}` : 'now'))
  return (
    <span className="tabular" title={inZone(then, zone ?? 'UTC')}>
      next {left}
    </span>
  )
}
