/** Shorter values are not looked for: they would be found in every second word. */
export const SHORTEST_VALUE = 4
const SHORTEST_LINE = 6
const SHORTEST_ENCODED = 5
/** How wide tools write base64: `base64` of GNU, and PEM. */
const WIDTHS = [76, 64]

/** Every spelling under which a value may come back: as it is, by line, and as programs write it into JSON, addresses and markup. */
export function needlesOf(value: string): string[] {
  const whole = [...new Set([value, value.trim()])].filter((text) => text.length >= SHORTEST_VALUE)
  const lines = value
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST_LINE)
  const found = new Set<string>()
  for (const text of whole) for (const spelled of [text, ...spellingsOf(text)]) found.add(spelled)
  if (lines.length > 1) for (const line of lines) for (const spelled of [line, escaped(line)]) found.add(spelled)
  return [...found].filter((text) => text.length >= SHORTEST_VALUE)
}

function spellingsOf(text: string): string[] {
  const json = escaped(text)
  const ascii = json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const url = encodeURIComponent(text.toWellFormed())
  const strict = url.replace(/[!'()*]/g, (unit) => `%${unit.charCodeAt(0).toString(16)}`)
  const bytes = Buffer.from(text, 'utf8')
  return [
    ...[json, ascii].flatMap((one) => [one, escaped(one), one.replaceAll('/', '\\/'), one.replaceAll('<', '\\u003c')]),
    ...[url, strict, encodeURI(text.toWellFormed())].flatMap((one) => [
      one,
      one.replaceAll('%20', '+'),
      encodeURIComponent(one),
    ]),
    new URLSearchParams({ x: text }).toString().slice(2),
    markup(text, '&#39;', '&quot;'),
    markup(text, '&#x27;', '&#34;'),
    markup(text, "'", '"'),
    text.replaceAll("'", "'\\''"),
    ...base64Of(bytes),
    bytes.toString('hex'),
    bytes.toString('utf16le') === '' ? '' : Buffer.from(text, 'utf16le').toString('base64').replace(/=+$/, ''),
  ].filter((one) => one.length >= SHORTEST_VALUE)
}

const escaped = (text: string): string => JSON.stringify(text).slice(1, -1)

const markup = (text: string, apostrophe: string, quote: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll("'", apostrophe)
    .replaceAll('"', quote)

/**
 * Base64 of bytes that stand alone or within others: three alignments, without the characters that depend on the neighbours; alone
 * also in lines.
 */
function base64Of(bytes: Buffer): string[] {
  const cores = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const first = Math.ceil((before * 8) / 6)
    const whole = Math.floor(((before + bytes.length) * 8) / 6)
    return text.slice(first, whole)
  })
  const alone = [bytes, Buffer.concat([bytes, Buffer.from('\n')])].map((one) =>
    one.toString('base64').replace(/=+$/, ''),
  )
  const lines = alone.flatMap((text) => WIDTHS.flatMap((width) => (text.length > width ? cut(text, width) : [])))
  const all = [...cores, ...alone, ...lines].filter((text) => text.length >= SHORTEST_ENCODED)
  return all.flatMap((text) => [text, text.replaceAll('+', '-').replaceAll('/', '_')])
}

function cut(text: string, width: number): string[] {
  const pieces: string[] = []
  for (let start = 0; start < text.length; start += width) pieces.push(text.slice(start, start + width))
  return pieces.filter((piece) => piece.length >= width / 4)
}
