import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { Button } from '../../ui/button.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { Sheet } from '../../ui/dialog.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Json } from '../../ui/json.tsx'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { removeSchedule, type Schedule } from './queries.ts'
import { Pause, timingOf } from './schedule-parts.tsx'
import { inZone, localZone, zonesOf } from './times.ts'

interface OpenProps {
  /** Undefined: none is open. */
  readonly name: string | undefined
  readonly list: readonly Schedule[] | undefined
  readonly mayWrite: boolean
  readonly onClose: () => void
}

/** One that is open: when it is due, in the zones that matter, and how its last start went. */
export function OpenSchedule({ name, list, mayWrite, onClose }: OpenProps) {
  const schedule = list?.find((one) => one.name === name)
  const isGone = name !== undefined && list !== undefined && schedule === undefined
  const { ask, dialog } = useConfirmedAct()
  const askRemove = (removed: string) =>
    ask({
      title: `Remove ${removed}?`,
      description: 'It starts nothing any more. What runs goes on.',
      action: 'Remove schedule',
      run: () => removeSchedule(removed),
      done: `${removed} was removed`,
      failed: 'It was not removed.',
      stale: [['schedules']],
      onDone: onClose,
    })
  return (
    <>
      <Sheet
        open={schedule !== undefined || isGone}
        onOpenChange={(open) => open || onClose()}
        title={isGone ? 'There is no such schedule' : visible(schedule?.name ?? '')}
      >
        {schedule ? (
          <div className="flex flex-col gap-4 pt-1">
            {mayWrite && !schedule.of_manifest && (
              <div className="flex flex-wrap gap-2">
                <Pause schedule={schedule} />
                <Button size="sm" variant="deny" onClick={() => askRemove(schedule.name)}>
                  Remove
                </Button>
              </div>
            )}
            {schedule.of_manifest && (
              <p className="text-muted text-sm">
                The manifest of its agent says it: a new version of the agent changes it or takes it away.
              </p>
            )}
            {schedule.last_error !== null && (
              <p className="break-words rounded-md border border-deny/40 bg-deny-soft px-3 py-2 text-sm">
                {visible(schedule.last_error)}
              </p>
            )}
            <Details schedule={schedule} />
          </div>
        ) : (
          <p className="text-muted">It may have been removed.</p>
        )}
      </Sheet>
      {dialog}
    </>
  )
}

function Details({ schedule }: { schedule: Schedule }) {
  const { next_at, last_due_at, last_execution_id, intent, input } = schedule
  return (
    <>
      <Facts
        className="px-0 py-0"
        facts={[
          [
            'Starts',
            <span key="what">
              {schedule.workflow === null ? 'agent' : 'workflow'} {visible(schedule.workflow ?? schedule.agent ?? '')}
            </span>,
          ],
          [
            'When',
            <code key="when" className="font-mono text-sm">
              {timingOf(schedule)}
            </code>,
          ],
          [
            'Next',
            next_at === null ? schedule.enabled ? 'never again' : 'paused' : <Next key="next" schedule={schedule} />,
          ],
          ['Missed times', schedule.missed === 'skip' ? 'are left out' : 'are made up for by one start'],
          ['Started', `${schedule.started_count.toLocaleString()} times`],
          ...(last_due_at === null ? [] : [['Last due', <When key="due" at={last_due_at} />] as const]),
          ...(last_execution_id === null
            ? []
            : [['Last run', <Run key="run" schedule={schedule} id={last_execution_id} />] as const]),
          ['Set by', visible(schedule.created_by)],
        ]}
      />
      {intent !== null && (
        <Part title="Intent">
          <p className="whitespace-pre-wrap break-words text-sm">{visible(intent)}</p>
        </Part>
      )}
      {input !== null && input !== undefined && (
        <Part title="Input">
          <Json value={input} what="input" />
        </Part>
      )}
    </>
  )
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h3 className="mb-1.5 font-semibold text-sm">{title}</h3>
      {children}
    </section>
  )
}

function Next({ schedule: { next_at, timezone } }: { schedule: Schedule }) {
  const then = Date.parse(next_at ?? '')
  return (
    <ul className="tabular">
      {zonesOf(timezone, localZone()).map((zone) => (
        <li key={zone}>
          {inZone(then, zone)} <span className="text-muted text-xs">{zone}</span>
        </li>
      ))}
    </ul>
  )
}

function Run({ schedule, id }: { schedule: Schedule; id: string }) {
  const look = 'font-mono text-xs underline underline-offset-2'
  return schedule.workflow === null ? (
    <Link to="/executions/$id" params={{ id }} className={look}>
      {id.slice(0, 8)}
    </Link>
  ) : (
    <Link to="/workflow-runs/$id" params={{ id }} className={look}>
      {id.slice(0, 8)}
    </Link>
  )
}
