import { BEFORE_THE_FIRST, eventDigest, linkBody, linkDigest } from '../../storage/events/digests.ts'
import { parseWireTime } from '../../storage/instants.ts'

/** What an export of the audit log proves. */
export interface Verified {
  readonly events: number
  /** Of these, stored before chains were kept: nothing is proved of them. */
  readonly unchained: number
  readonly links: number
  readonly checkpoints: number
  /** The instant of the last checkpoint; what came after it is chained and not signed. */
  readonly signedUntil: string | null
  /** Events that came after the last checkpoint. */
  readonly unsigned: number
  /** Hex, in the order in which they signed. */
  readonly publicKeys: readonly string[]
  /** Ranges that purges took, by their places in the order of arrival. */
  readonly purged: readonly { readonly from: number; readonly to: number; readonly at: string }[]
}

/** The first place where an export is not what was recorded. */
export class BrokenChain extends Error {
  override readonly name = 'BrokenChain'
  readonly line: number
  constructor(line: number, what: string) {
    super(`Line ${line}: ${what}`)
    this.line = line
  }
}

export interface VerifyOptions {
  /** Public keys, hex, one of which must have made the first signature; later ones are vouched for by those before them. */
  readonly trusted?: readonly string[]
  /** Whether the key, hex, made the signature. */
  readonly verifies: (publicKey: string, text: string, signature: string) => boolean
}

type Line = Readonly<Record<string, unknown>>

const EVENT_NAMES = ['id', 'call_id', 'agent_id', 'tool_name', 'verdict', 'mode', 'env', 'decision_name'] as const
/** What each kind of line says, and what an event holds: what is beside that was put there by another hand. */
const NAMES: Readonly<Record<string, ReadonlySet<string>>> = {
  chain: new Set(['type', 'format', 'tenant_id', 'first_link', 'first_seq', 'digest']),
  event: new Set(['type', 'seq', 'digest', 'event']),
  link: new Set(['type', 'link', 'first_seq', 'count', 'entry', 'arrived_at', 'digest']),
  checkpoint: new Set(['type', 'link', 'statement', 'public_key', 'signature']),
  end: new Set(['type', 'link', 'events', 'digest']),
}
const IN_EVENT: ReadonlySet<string> = new Set([...EVENT_NAMES, 'timestamp', 'created_at', 'payload'])

/**
 * Judge the lines of an export, one after the other: that nothing of it was changed, dropped or put elsewhere.
 * @throws BrokenChain at the first line that does not fit.
 */
export function createVerifier({ trusted = [], verifies }: VerifyOptions) {
  let number = 0
  let tenantId = ''
  let digest = ''
  let link = 0
  let nextSeq = 1
  let isBegun = false
  let isEnded = false
  let digests: Buffer[] = []
  let events = 0
  let unchained = 0
  let links = 0
  let checkpoints = 0
  let signedUntil: string | null = null
  let unsigned = 0
  /** Where a purge cut, until an entry that is signed says so. */
  let cut: { readonly digest: string; readonly link: number } | null = null
  /** The link that says so, and the last that is signed. */
  let toldBy: number | null = null
  let signedLink = 0
  const keys: string[] = []
  const accepted = new Set(trusted)
  const purged: { from: number; to: number; at: string }[] = []

  function fail(what: string): never {
    throw new BrokenChain(number, what)
  }
  const text = (line: Line, name: string): string =>
    typeof line[name] === 'string' ? line[name] : fail(`'${name}' is missing.`)
  const whole = (line: Line, name: string): number =>
    Number.isSafeInteger(line[name]) ? (line[name] as number) : fail(`'${name}' is missing.`)
  const hexBytes = (value: string): Buffer => Buffer.from(value, 'hex')

  function requireKnown(said: Line, known: ReadonlySet<string>): void {
    const added = Object.keys(said).find((name) => !known.has(name))
    if (added !== undefined) fail(`'${added}' was added: an export holds nothing of that name here.`)
  }

  function begin(line: Line): void {
    if (isBegun) fail('a second beginning.')
    if (line.type !== 'chain' || line.format !== 1)
      fail('this is no export of an audit log, or one of a later version.')
    isBegun = true
    tenantId = text(line, 'tenant_id')
    digest = text(line, 'digest')
    link = whole(line, 'first_link') - 1
    nextSeq = whole(line, 'first_seq')
    if (link === 0 && digest !== BEFORE_THE_FIRST.toString('hex')) fail('the chain does not begin at its beginning.')
    if (link > 0) cut = { digest, link }
  }

  function readEvent(line: Line): void {
    const { event } = line as { event?: Line }
    if (typeof event !== 'object' || event === null) fail('the event is missing.')
    requireKnown(event, IN_EVENT)
    events++
    if (line.digest === null) {
      if (links > 0 || digests.length > 0) fail('an event without a digest stands within the chain.')
      unchained++
      return
    }
    const seq = whole(line, 'seq')
    const expected = nextSeq + digests.length
    if (seq !== expected) fail(`event ${expected} is missing or not in its place: event ${seq} stands where it should.`)
    const made = digestOf(event, tenantId)
    if (made === null) fail(`event ${seq} cannot be read.`)
    if (made.toString('hex') !== line.digest) fail(`event ${seq} (id ${String(event.id)}) was changed.`)
    digests.push(made)
    unsigned++
  }

  function readLink(line: Line): void {
    const at = whole(line, 'link')
    if (at !== link + 1) fail(`link ${link + 1} is missing or not in its place: link ${at} stands where it should.`)
    const first = whole(line, 'first_seq')
    if (first !== nextSeq) fail(`link ${at} begins at event ${first}, and event ${nextSeq} is next.`)
    const count = whole(line, 'count')
    const entry = line.entry
    if (count !== digests.length)
      fail(
        digests.length < count
          ? `event ${nextSeq + digests.length} is missing: link ${at} has ${count} events, of which ${digests.length} are here.`
          : `link ${at} has ${count} events, and ${digests.length} stand before it.`,
      )
    const body = typeof entry === 'string' ? linkBody(entry) : linkBody(Buffer.concat(digests))
    const made = linkDigest(hexBytes(digest), body).toString('hex')
    if (made !== text(line, 'digest'))
      fail(
        typeof entry === 'string'
          ? `link ${at}, an entry, was changed.`
          : `link ${at} does not follow from the link before it and its events ${first} to ${first + count - 1}: one of them was changed, added or replaced together with its digest.`,
      )
    digest = made
    link = at
    nextSeq += count
    digests = []
    links++
    if (typeof entry === 'string') readEntry(entry)
  }

  function readEntry(entry: string): void {
    const said = parsed(entry)
    if (said?.kind === 'key_rotated') {
      const statement = text(said, 'statement')
      const { previous_public_key, public_key } = parsed(statement) ?? {}
      if (typeof previous_public_key === 'string') {
        if (!verifies(previous_public_key, statement, String(said.signature)))
          fail(`link ${link} hands over to another key, and is not signed by the key before it.`)
        if (accepted.has(previous_public_key)) accepted.add(String(public_key))
      }
    }
    if (said?.kind === 'purged') {
      purged.push({ from: Number(said.from_seq), to: Number(said.to_seq), at: String(said.at) })
      if (cut && said.digest === cut.digest && said.to_link === cut.link) toldBy = link
    }
  }

  function readCheckpoint(line: Line): void {
    const key = text(line, 'public_key')
    const statement = text(line, 'statement')
    if (!verifies(key, statement, text(line, 'signature'))) fail(`the signature over link ${link} is not one.`)
    const said = parsed(statement) ?? {}
    if (said.digest !== digest || said.link !== link || said.next_seq !== nextSeq || said.tenant_id !== tenantId)
      fail(`the signature over link ${link} is of another chain than this one.`)
    if (trusted.length > 0 && !accepted.has(key)) fail(`link ${link} is signed by ${key}, which is not trusted.`)
    if (keys.at(-1) !== key) keys.push(key)
    checkpoints++
    signedUntil = String(said.at)
    unsigned = 0
    signedLink = link
  }

  function end(line: Line): void {
    if (digests.length > 0) fail(`the link of events ${nextSeq} to ${nextSeq + digests.length - 1} is missing.`)
    if (whole(line, 'link') !== link && !(links === 0 && whole(line, 'link') === 0))
      fail(`the chain ends at link ${whole(line, 'link')}, and link ${link} is the last here.`)
    if (whole(line, 'events') !== events)
      fail(`the export had ${whole(line, 'events')} events, of which ${events} are here.`)
    isEnded = true
  }

  return {
    read(source: string): void {
      number++
      if (isEnded) fail('something stands behind the end.')
      const line = parsed(source) ?? fail('this is no JSON object.')
      // Of a name that stands twice one reader takes the first and another the last: neither may say something unproven.
      if (JSON.stringify(line) !== source)
        fail('this is not written as an export writes it: a name stands twice, or the text was edited.')
      requireKnown(line, NAMES[String(line.type)] ?? fail('this is no line of an export.'))
      if (!isBegun) begin(line)
      else if (line.type === 'event') readEvent(line)
      else if (line.type === 'link') readLink(line)
      else if (line.type === 'checkpoint') readCheckpoint(line)
      else if (line.type === 'end') end(line)
      else fail('this is no line of an export.')
    },
    /** @throws BrokenChain when the lines stop before the end. */
    finish(): Verified {
      number++
      if (!isBegun) fail('the export is empty.')
      if (!isEnded) fail('the export ends before its end: it was cut off.')
      if (trusted.length > 0 && signedUntil === null && links > 0)
        fail('nothing of the export is signed by a key that was named.')
      if (cut && (toldBy === null || toldBy > signedLink))
        fail(`links up to ${cut.link} are missing, and no purge that is recorded and signed here took them.`)
      return { events, unchained, links, checkpoints, signedUntil, unsigned, publicKeys: keys, purged }
    },
  }
}

function parsed(text: string): Line | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Line) : null
  } catch {
    return null
  }
}

/** Null when what the digest is taken over is not there. */
function digestOf(event: Line, tenantId: string): Buffer | null {
  const instant = (name: string) => (typeof event[name] === 'string' ? parseWireTime(event[name]) : null)
  const timestamp = instant('timestamp')
  const createdAt = instant('created_at')
  const values = EVENT_NAMES.map((name) => event[name])
  if (timestamp === null || createdAt === null || !values.every((value) => typeof value === 'string')) return null
  const [id = '', callId = '', agentId = '', toolName = '', verdict = '', mode = '', env = '', decisionName = ''] =
    values
  const { payload } = event
  return eventDigest({
    ...{ id, tenantId, callId, agentId, toolName, verdict, mode, env, timestamp, decisionName, createdAt },
    payload: payload === null ? null : JSON.stringify(payload),
  })
}
