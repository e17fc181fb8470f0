/** Bytes of JSON up to which lists show a value whole. */
export const WHOLE_BYTES = 32 * 1024
/** Characters of a larger one that they show. */
const SHOWN = 1_024
/** Levels beyond which a value is shown as the text of its JSON. */
const DEEPEST = 100
/** Of all values together, unless less is asked for. */
const LARGEST_PREVIEW_BYTES = 512 * 1024

/** Stands in a list for a value that is too large for it. */
interface Shortened {
  /** How the value begins: of a text the text, of anything else its JSON. */
  readonly $preview: string
  /** Of its JSON. */
  readonly $bytes: number
}

/**
 * The payload as lists show it, as JSON: values up to 32 KiB stay what they are, a larger one becomes its beginning beside its size.
 * Null where that changes nothing.
 */
export function previewOf(payload: object, text: string, largest = LARGEST_PREVIEW_BYTES): string | null {
  // No character of UTF-16 takes more than three bytes.
  if (text.length * 3 <= WHOLE_BYTES || Buffer.byteLength(text) <= WHOLE_BYTES) return null
  const shown = JSON.stringify(measure(payload, 0).shown)
  return Buffer.byteLength(shown) <= largest ? shown : withinBounds(JSON.parse(shown) as object, largest)
}

/** Many values that are small apart are large together: the largest fields go first, and if that is not enough, all. */
function withinBounds(payload: object, largest: number): string {
  const fields = Object.entries(payload).map(([name, value]) => ({ name, json: JSON.stringify(value) }))
  let total = fields.reduce((sum, { name, json }) => sum + Buffer.byteLength(json) + name.length, 0)
  const bounded: Record<string, unknown> = { ...payload }
  for (const { name, json } of fields.sort((a, b) => b.json.length - a.json.length)) {
    if (total <= largest) break
    const bytes = Buffer.byteLength(json)
    const beginning = beginningOf(json, bytes)
    bounded[name] = beginning
    total -= bytes - Buffer.byteLength(JSON.stringify(beginning))
  }
  const shown = JSON.stringify(bounded)
  if (Buffer.byteLength(shown) <= largest) return shown
  const whole = JSON.stringify(payload)
  return JSON.stringify(beginningOf(whole, Buffer.byteLength(whole)))
}

/** Bytes of a value's JSON, and what a list shows of it. Each part is looked at once, however deep it lies. */
function measure(value: unknown, depth: number): { bytes: number; shown: unknown } {
  const isNested = typeof value === 'object' && value !== null
  if (!isNested || depth === DEEPEST) {
    const json = JSON.stringify(value)
    const bytes = Buffer.byteLength(json)
    return { bytes, shown: bytes <= WHOLE_BYTES ? value : beginningOf(typeof value === 'string' ? value : json, bytes) }
  }
  let bytes = 2
  if (Array.isArray(value)) {
    const shown = value.map((item: unknown) => {
      const measured = measure(item, depth + 1)
      bytes += measured.bytes + 1
      return measured.shown
    })
    return { bytes, shown }
  }
  const shown = Object.entries(value).map(([name, member]) => {
    const measured = measure(member, depth + 1)
    bytes += Buffer.byteLength(name) + measured.bytes + 4
    return [name, measured.shown]
  })
  return { bytes, shown: Object.fromEntries(shown) }
}

const beginningOf = (text: string, bytes: number): Shortened => ({
  $preview: text.slice(0, SHOWN).toWellFormed(),
  $bytes: bytes,
})
