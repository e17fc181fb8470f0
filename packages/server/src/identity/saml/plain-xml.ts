/** The text is no XML as messages of SAML are: the message says what it is. */
export class NotPlain extends Error {
  override readonly name = 'NotPlain'
}

/** Of a message: an answer has some sixty elements, eight deep, and more for each group that somebody is in. */
const MOST_ELEMENTS = 3000
const DEEPEST = 40
const MOST_ATTRIBUTES = 60

const TAG = /^([^\s/>"'=]+)((?:\s+[^\s=/>"']+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/
const END = /^\/([^\s/>"'=]+)\s*>/
const ATTRIBUTE = /=\s*(?:"[^"]*"|'[^']*')/g

/**
 * Refuse, in one pass, what costs a parser more than its length: the parser and the queries of the signature's library take time that
 * grows with the square of depth, of what is left open and of how many elements there are, and anybody may post. Comments, sections,
 * instructions and document types are refused, too: nobody signs with them, and who adds them wants two readers to read two things.
 * @throws NotPlain
 */
export function requirePlainXml(text: string): void {
  const [before = '', ...tags] = text.replace(/^\uFEFF?\s*<\?xml\s[^<>?]*\?>/, '').split('<')
  if (before.trim() !== '' || tags.length === 0) throw new NotPlain('it is no XML')
  const open: string[] = []
  let elements = 0
  for (const tag of tags) {
    if (tag.startsWith('!') || tag.startsWith('?'))
      throw new NotPlain('it has a document type, a comment, a section or an instruction')
    const end = END.exec(tag)
    if (end) {
      if (open.pop() !== end[1]) throw new NotPlain(`it is no XML: </${shortened(end[1])}> ends nothing`)
      continue
    }
    const start = TAG.exec(tag)
    if (!start) throw new NotPlain(`it is no XML: <${shortened(tag)} is no tag`)
    if (open.length === 0 && elements > 0) throw new NotPlain('it is no XML: there is more than one root')
    if (++elements > MOST_ELEMENTS) throw new NotPlain(`it has more than ${MOST_ELEMENTS} elements`)
    if ((start[2]?.match(ATTRIBUTE)?.length ?? 0) > MOST_ATTRIBUTES)
      throw new NotPlain(`an element has more than ${MOST_ATTRIBUTES} attributes`)
    if (start[3] === '') open.push(start[1] ?? '')
    if (open.length > DEEPEST) throw new NotPlain(`its elements are more than ${DEEPEST} deep`)
  }
  if (open.length > 0) throw new NotPlain(`it is no XML: <${shortened(open.at(-1))}> is not ended`)
}

/** The root of a text that was found plain. @throws NotPlain */
export async function parsePlainXml(text: string): Promise<Element> {
  requirePlainXml(text)
  const { DOMParser } = await import('@xmldom/xmldom')
  let problem: string | null = null
  const note = (message: unknown) => {
    problem ??= String(message).replace(/^\[xmldom \w+\]\s*/, '').split('\n', 1)[0] ?? ''
  }
  let root: Element | null = null
  try {
    const parser = new DOMParser({ locator: {}, errorHandler: { warning: note, error: note, fatalError: note } })
    root = parser.parseFromString(text.trim(), 'text/xml')?.documentElement ?? null
  } catch (error) {
    note(error instanceof Error ? error.message : error)
  }
  if (problem !== null || root === null) throw new NotPlain(`it is no XML: ${problem ?? 'there is no element'}`)
  return root
}

/** A text without its comments. @throws NotPlain where one has no end */
export function withoutComments(text: string): string {
  const kept: string[] = []
  let at = 0
  for (let start = text.indexOf('<!--'); start !== -1; start = text.indexOf('<!--', at)) {
    const end = text.indexOf('-->', start + 4)
    if (end === -1) throw new NotPlain('a comment in it has no end')
    kept.push(text.slice(at, start))
    at = end + 3
  }
  return kept.join('') + text.slice(at)
}

const shortened = (text = ''): string => text.replace(/\s+/g, ' ').slice(0, 30)
