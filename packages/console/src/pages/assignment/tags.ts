/** A value as it is written beside its tag: a text that could be read as anything else stands in quotes. */
const written = (value: unknown): string => {
  if (typeof value !== 'string') return JSON.stringify(value)
  return value === '' || /[,="]/.test(value) || isOther(value) ? JSON.stringify(value) : value
}

const isOther = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** `{team: 'ml', tier: 1}` → `team=ml, tier=1`. */
export const tagsText = (tags: Readonly<Record<string, unknown>> | null): string =>
  Object.entries(tags ?? {})
    .map(([name, value]) => `${name}=${written(value)}`)
    .join(', ')

/** The reverse; null for no tags. @throws Error with what is wrong */
export function tagsOf(text: string): Readonly<Record<string, unknown>> | null {
  const tags: Record<string, unknown> = {}
  for (let rest = text.trim(); rest !== ''; ) {
    const match = /^([^=,\s]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^,]*)\s*(?:,\s*|$)/.exec(rest)
    if (!match) throw new Error(`Write tags as name=value, with commas between: ${rest.slice(0, 40)}`)
    const [whole, name = '', value = ''] = match
    tags[name] = valueIn(value.trim())
    rest = rest.slice(whole.length)
  }
  return Object.keys(tags).length === 0 ? null : tags
}

function valueIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
