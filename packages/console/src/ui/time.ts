const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** "now", "12 s", "4 min", "3 h", "2 d", then the date. `then` and `now` in milliseconds. */
export function ago(then: number, now: number): string {
  const age = Math.max(0, now - then)
  if (age < 5 * SECOND) return 'now'
  if (age < MINUTE) return `${Math.floor(age / SECOND)} s ago`
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min ago`
  if (age < DAY) return `${Math.floor(age / HOUR)} h ago`
  if (age < 14 * DAY) return `${Math.floor(age / DAY)} d ago`
  return new Date(then).toLocaleDateString(undefined, { year: 'numeric', month: 'short', day: 'numeric' })
}

/** "4:05" below an hour, "1:02:09" below a day, else "2 d 3 h"; never negative. */
export function countdown(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / SECOND))
  const [d, h, m, s] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ]
  const two = (n: number) => String(n).padStart(2, '0')
  if (d > 0) return `${d} d ${h} h`
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

/** A length of time in words: "300 s" is hard to read at night. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${seconds} s`
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`
  if (seconds < 129_600) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

// Made once: a list that is live shows hundreds of instants a second.
const ofDay = new Intl.DateTimeFormat(undefined, {
  hour12: false,
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})
const ofYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })

/** What was said last, and of which second and day: the rows of a busy list share their seconds. */
let said = { second: Number.NaN, today: Number.NaN, words: '' }

/** "14:03:22" today, "12 Mar 14:03:22" before. */
export function clock(then: number, now: number): string {
  const second = Math.floor(then / SECOND)
  const today = startOfDay(now)
  if (said.second !== second || said.today !== today) {
    const date = new Date(then)
    const isToday = startOfDay(then) === today
    said = { second, today, words: isToday ? ofDay.format(date) : `${ofYear.format(date)} ${ofDay.format(date)}` }
  }
  return said.words
}

const startOfDay = (instant: number) => new Date(instant).setHours(0, 0, 0, 0)

/** How urgent an approval is, by the share of its time that is left. */
export type Urgency = 'calm' | 'soon' | 'critical' | 'expired'

export function urgency(remaining: number, total: number): Urgency {
  if (remaining <= 0) return 'expired'
  const share = remaining / total
  return share >= 0.6 ? 'calm' : share >= 0.2 ? 'soon' : 'critical'
}
