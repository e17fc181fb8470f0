/**
 * Program and arguments of a call as the one line a shell would be given, each word quoted where a shell would read it
 * otherwise. Null when there is no program, or when there are no arguments to join: then the program is the whole line.
 */
export function joinedLine(
  args: Readonly<Record<string, unknown>>,
  names: { readonly command: string; readonly arguments: string },
): string | null {
  const program = Object.hasOwn(args, names.command) ? args[names.command] : undefined
  const words = Object.hasOwn(args, names.arguments) ? args[names.arguments] : undefined
  if (typeof program !== 'string') return null
  if (typeof words === 'string') return words.trim() === '' ? null : `${program} ${words}`
  if (!Array.isArray(words) || words.length === 0) return null
  return [program, ...words.map(shellWord)].join(' ')
}

function shellWord(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** What no shell reads as anything but itself. */
const PLAIN = /^[\w@%+=:,./-]+$/
