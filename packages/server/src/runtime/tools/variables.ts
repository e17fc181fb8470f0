/**
 * The variables that a call may set for a command. A variable can be a program of its own (`GIT_EXTERNAL_DIFF`, `PAGER`,
 * `LD_PRELOAD`, `NODE_OPTIONS`, `PATH`), which nobody judged: so this list names what only changes how a program speaks or what it
 * builds, and everything else is refused.
 */
const settable: ReadonlySet<string> = new Set([
  'CI',
  'CGO_ENABLED',
  'CLICOLOR',
  'COLUMNS',
  'DEBUG',
  'FORCE_COLOR',
  'GOARCH',
  'GOOS',
  'LANG',
  'LANGUAGE',
  'LINES',
  'NODE_ENV',
  'NO_COLOR',
  'PYTHONDONTWRITEBYTECODE',
  'PYTHONHASHSEED',
  'PYTHONIOENCODING',
  'PYTHONUNBUFFERED',
  'PYTHONUTF8',
  'RUST_BACKTRACE',
  'SOURCE_DATE_EPOCH',
  'TERM',
  'TZ',
])
const locale = /^LC_[A-Z]+$/

/** The names among these that a call may not set. */
export function unsettable(variables: unknown): string[] {
  if (typeof variables !== 'object' || variables === null) return []
  return Object.keys(variables).filter((name) => !settable.has(name) && !locale.test(name))
}

export const settableNames = (): string => [...settable].join(', ')
