import type { ScheduleConfig } from '@lictor/aegis'
import { Cron } from 'croner'
import { type Micros, microsOf } from '../../storage/instants.ts'

/** When something is due: by a pattern in the time of a zone, or every so many seconds from when it was set. */
export type Timing =
  | { readonly kind: 'cron'; readonly cron: string; readonly timezone: string }
  | { readonly kind: 'interval'; readonly seconds: number }

export const USUAL_ZONE = 'UTC'
const MOST_SECONDS = 400 * 86_400

/**
 * A pattern without `*` and steps in its hours and minutes names times of a day: when clocks go forward over one it is due right after
 * the gap, and when they go back over one it is due the first time alone. Every other pattern names distances, and goes on through both.
 */
const cronOf = ({ cron, timezone }: Extract<Timing, { kind: 'cron' }>): Cron =>
  new Cron(cron, { timezone, fixedTimeRule: 'no-wildcard', mode: '5-or-6-parts' })

/** The first instant after `after` at which it is due; null when there is none any more. */
export function dueAfter(timing: Timing, setAt: Micros, after: Micros): Micros | null {
  if (timing.kind === 'interval') {
    const step = timing.seconds * 1_000_000
    return setAt + (Math.floor(Math.max(0, after - setAt) / step) + 1) * step
  }
  const next = cronOf(timing).nextRun(new Date(Math.ceil(after / 1000)))
  return next === null ? null : microsOf(next.getTime())
}

/** What is wrong with it, or null. */
export function timingProblem(timing: Timing, now: Micros): string | null {
  if (timing.kind === 'interval') {
    const { seconds } = timing
    const isRight = Number.isInteger(seconds) && seconds >= 1 && seconds <= MOST_SECONDS
    return isRight ? null : `An interval is a whole number of seconds from 1 to ${MOST_SECONDS}, not ${seconds}.`
  }
  const { cron, timezone } = timing
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch {
    return `There is no time zone '${timezone}'; zones are named as in Europe/Berlin, or UTC.`
  }
  try {
    if (dueAfter(timing, now, now) === null) return `'${cron}' never comes.`
    return null
  } catch (error) {
    const reason = (error as Error).message.replace(/^CronPattern: /, '')
    return `'${cron}' is no cron pattern of five or six fields (second, where there are six, minute, hour, day, month, weekday): ${reason}`
  }
}

/** What is wrong with the schedule of a manifest, or null. */
export function scheduleProblem(schedule: ScheduleConfig | undefined, now: number): string | null {
  const timing = timingOf(schedule)
  return timing === null ? null : timingProblem(timing, microsOf(now))
}

/** When the schedule of a manifest is due; null: never by itself. */
export function timingOf(schedule: ScheduleConfig | undefined): Timing | null {
  if (schedule === undefined || schedule.type === 'manual') return null
  return schedule.type === 'cron'
    ? { kind: 'cron', cron: schedule.cron, timezone: schedule.timezone ?? USUAL_ZONE }
    : { kind: 'interval', seconds: schedule.seconds }
}
