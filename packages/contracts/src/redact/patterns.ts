import { redactCredentials } from './credentials.ts'
import { redactFields, redactNamedValues } from './named-values.ts'
import { REDACTED } from './redacted.ts'
import { TOKENS } from './tokens.ts'

export { REDACTED }

const ANY_TOKEN = new RegExp(TOKENS.join('|'), 'g')
const BEGINS_WITH_TOKEN = new RegExp(`^(?:${TOKENS.join('|')})`)

/** Tokens are no shorter than this, without a blank or a sign in them. */
const SHORTEST_TOKEN = 14

/** Where a name or a scheme stands before the secret, one of these words is in it. */
const NAMED =
  /key|token|secret|pass|pwd|credential|auth|bearer|basic|sig|code|:\/\/|-----BEGIN|mysql|mariadb|redis-cli|curl|wget|login/i

/**
 * Whether a text is worth a closer look. Most are not, and are told apart in one pass: a token is a long run of letters,
 * digits and a few signs, and every other secret stands behind a `=`, a `:` or an option.
 */
function mayHoldSecret(text: string): boolean {
  let run = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (isTokenUnit(unit)) {
      if (++run >= SHORTEST_TOKEN) return true
      continue
    }
    run = 0
    if (unit === 0x3d || unit === 0x3a) return NAMED.test(text) || holdsLongRun(text, i)
    if (unit <= 0x20 && text.charCodeAt(i + 1) === 0x2d) return NAMED.test(text) || holdsLongRun(text, i)
  }
  return text.startsWith('--') && NAMED.test(text)
}

function holdsLongRun(text: string, from: number): boolean {
  LONG_RUN.lastIndex = from
  return LONG_RUN.test(text)
}

const LONG_RUN = /[\w.-]{14}/g

function isTokenUnit(unit: number): boolean {
  return (
    (unit >= 0x61 && unit <= 0x7a) ||
    (unit >= 0x30 && unit <= 0x39) ||
    (unit >= 0x41 && unit <= 0x5a) ||
    unit === 0x5f ||
    unit === 0x2d ||
    unit === 0x2e
  )
}

/** Whether a text begins with a well-known kind of credential. */
export function looksLikeSecret(text: string): boolean {
  return text.length >= SHORTEST_TOKEN && BEGINS_WITH_TOKEN.test(text)
}

/**
 * Hides secrets in a text: those of known issuers, private keys, bearer and basic credentials, passwords in addresses, values
 * of variables, options, headers, fields and query parameters whose names say that they are secret. What is hidden stays
 * recognisable by what stands around it. Idempotent, and in time linear in the text, so that no text can stall an agent.
 */
export function redactText(text: string): string {
  if (!mayHoldSecret(text)) return text
  let before = text
  // What was hidden may uncover the name or the end of what stands beside it.
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const after = redactOnce(before)
    if (after === before) break
    before = after
  }
  return before
}

const MAX_ROUNDS = 5

function redactOnce(text: string): string {
  let result = text
  if (result.includes('-----BEGIN')) result = redactPrivateKeys(result)
  if (result.includes('://')) result = redactUrlPasswords(result)
  result = redactFields(result)
  result = redactNamedValues(result)
  result = redactCredentials(result)
  return result.replace(ANY_TOKEN, REDACTED)
}

/** From the first line of a private key to its last, or to the end of the text where that is missing. */
function redactPrivateKeys(text: string): string {
  let result = ''
  let copied = 0
  PRIVATE_KEY.lastIndex = 0
  for (let begin = PRIVATE_KEY.exec(text); begin !== null; begin = PRIVATE_KEY.exec(text)) {
    const body = begin.index + begin[0].length
    if (text.startsWith(REDACTED, body)) continue
    END_OF_KEY.lastIndex = body
    const end = END_OF_KEY.exec(text)?.index ?? text.length
    result += text.slice(copied, body) + REDACTED
    copied = end
    PRIVATE_KEY.lastIndex = end
  }
  return copied === 0 ? text : result + text.slice(copied)
}

const PRIVATE_KEY = /-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g
const END_OF_KEY = /-----END /g

/** `://user:secret@` and `://:secret@`: the secret reaches to the last `@` of the authority, or of the word. */
function redactUrlPasswords(text: string): string {
  let result = ''
  let copied = 0
  let wordEnd = -1
  let lastAt = -1
  for (let start = text.indexOf('://'); start !== -1; start = text.indexOf('://', start + 3)) {
    if (start < copied) continue
    if (start >= wordEnd) {
      END_OF_WORD.lastIndex = start
      wordEnd = END_OF_WORD.exec(text)?.index ?? text.length
      lastAt = start + text.slice(start, wordEnd).lastIndexOf('@')
    }
    if (lastAt <= start) continue
    USER.lastIndex = start + 3
    const colon = USER.test(text) ? USER.lastIndex - 1 : -1
    if (colon === -1 || lastAt < colon + 2 || colon > lastAt) continue
    AUTHORITY.lastIndex = colon + 1
    AUTHORITY.test(text)
    const authority = text.slice(colon + 1, Math.min(AUTHORITY.lastIndex, wordEnd))
    const at = authority.lastIndexOf('@')
    // A port and then a path: the `@` behind it is none of the authority.
    if (at === -1 && /^\d*$/.test(authority)) continue
    const end = at === -1 ? lastAt : colon + 1 + at
    if (end < colon + 2 || text.slice(colon + 1, end) === REDACTED) continue
    result += text.slice(copied, colon + 1) + REDACTED
    copied = end
  }
  return copied === 0 ? text : result + text.slice(copied)
}

const END_OF_WORD = /[\s"'<>`]/g
const USER = /[^\s:/?#@"'<>`[\]]*:/y
const AUTHORITY = /[^/?#]*/y
