import { StartupError } from './errors.ts'

/** Names beside the server's settings that Lictor's other programs read, and that may stand in one environment with them. */
const elsewhere: readonly string[] = [
  'LICTOR_URL',
  'LICTOR_TOKEN',
  'LICTOR_EMAIL',
  'LICTOR_PASSWORD',
  'LICTOR_API_KEY',
  'LICTOR_DEBUG',
  'LICTOR_SPOOL_DIR',
  'LICTOR_INSTANCE',
  'LICTOR_CONFORMANCE_DIR',
]

/** Names with a part that is chosen by who runs the server. */
const families: readonly RegExp[] = [/^LICTOR_WEBHOOK_SECRET_./]

/** What a cluster injects for a service called lictor: an address as `tcp://…`, and names made of the service's own. */
const injected = /^LICTOR_(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP|SCTP))(_.+)?$/

/** Whether the cluster wrote it, not a person. */
export const isInjected = (name: string, value: string): boolean =>
  injected.test(name) || (name === 'LICTOR_PORT' && /^(tcp|udp|sctp):\/\//.test(value))

/**
 * Names that begin with `LICTOR_` and that nothing reads; each is probably a mistake, and said at the start.
 *
 * @param known the server's settings
 * @throws StartupError for a name so close to a setting's that it must be meant: what it says would be ignored in silence
 */
export function unknownNames(
  environment: Readonly<Record<string, string | undefined>>,
  known: readonly string[],
): readonly string[] {
  const read = new Set([...known, ...elsewhere].flatMap((name) => [name, `${name}_FILE`]))
  const unknown = Object.entries(environment)
    .filter(([name, value]) => value !== undefined && name.startsWith('LICTOR_') && !read.has(name))
    .filter(([name, value]) => !isInjected(name, value ?? '') && !families.some((family) => family.test(name)))
    .map(([name]) => name)
  for (const name of unknown) {
    const meant = nearest(name.replace(/_FILE$/, ''), known)
    if (meant !== null) throw new StartupError('unknown_setting', `There is no setting ${name}; did you mean ${meant}?`)
  }
  return unknown.sort()
}

/** Further than this from a name, another name was meant. */
const FARTHEST = 2

function nearest(name: string, known: readonly string[]): string | null {
  let closest: string | null = null
  let least = FARTHEST + 1
  for (const one of known) {
    const distance = distanceBetween(name, one)
    if (distance < least) [closest, least] = [one, distance]
  }
  return closest
}

/** Letters to add, leave out, change or swap with their neighbour to make one text of the other. */
function distanceBetween(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1]
      const cell = [at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + (isSame ? 0 : 1)]
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        cell.push(at(before, column - 2) + 1)
      current.push(Math.min(...cell))
    }
    before = last
    last = current
  }
  return at(last, b.length)
}

const at = (row: readonly number[], column: number): number => row[column] ?? Number.POSITIVE_INFINITY
