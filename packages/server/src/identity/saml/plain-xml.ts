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

/** An element, as far as messages of SAML are read here. */
export interface XmlElement {
  readonly namespace: string
  /** Without its prefix. */
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly text: string
  readonly children: readonly XmlElement[]
}

/** The root of a text that was found plain. @throws NotPlain */
export async function parsePlainXml(text: string): Promise<XmlElement> {
  requirePlainXml(text)
  const { parseStringPromise } = await import('xml2js')
  const root: unknown = await parseStringPromise(text.trim(), {
    xmlns: true,
    explicitRoot: false,
    explicitCharkey: true,
    explicitChildren: true,
    preserveChildrenOrder: true,
  }).catch((error: unknown) => {
    throw new NotPlain(`it is no XML: ${error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : ''}`)
  })
  if (typeof root !== 'object' || root === null) throw new NotPlain('it is no XML: there is no element')
  return elementOf(root as Parsed)
}

/** An element as `xml2js` gives it. */
interface Parsed {
  readonly $ns?: { readonly local: string; readonly uri: string }
  readonly $?: Readonly<Record<string, { readonly name: string; readonly value: string }>>
  readonly _?: string
  readonly $$?: readonly Parsed[]
}

const elementOf = ({ $ns, $, _ = '', $$ = [] }: Parsed): XmlElement => ({
  namespace: $ns?.uri ?? '',
  name: $ns?.local ?? '',
  attributes: Object.fromEntries(Object.values($ ?? {}).map(({ name, value }) => [name, value])),
  text: _,
  children: $$.map(elementOf),
})

/** Those below an element, at whichever depth. */
export const descendantsOf = (element: XmlElement): XmlElement[] =>
  element.children.flatMap((child) => [child, ...descendantsOf(child)])

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
