/** Text that stands in a bundle as it is written: keys and values that JSON cannot spell, such as dates. */
export class YamlText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/**
 * A value as JSON, which YAML's flow style reads too: big integers with all their digits, characters that one of the
 * two readers takes for a line's end or refuses as escapes, and `YamlText` as it stands.
 */
export function written(value: unknown): string {
  if (value instanceof YamlText) return value.text
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map(written).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${quoted(key)}: ${written(item)}`)
      .join(', ')}}`
  }
  return JSON.stringify(value)
}

function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u00a0\u2028\u2029\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
