/** "Wed 2 Dec 2026, 02:30" as a zone has it; of UTC and others alike in one form. */
export function inZone(instant: number, zone: string | undefined): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(zone === undefined ? {} : { timeZone: zone }),
  }).formatToParts(instant)
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value ?? ''
  return `${of('weekday')} ${of('day')} ${of('month')} ${of('year')}, ${of('hour')}:${of('minute')}`
}

/** The zone that this browser lives in. */
export const localZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

/** The zones in which a schedule's time is told: its own, UTC, and that of who looks, each once. */
export const zonesOf = (own: string | null, local: string): readonly string[] => [
  ...new Set([...(own === null ? [] : [own]), 'UTC', local]),
]
