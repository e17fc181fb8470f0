/** Whether the name of a variable, option, header or field says that its value is a secret. */

const SECRET_WORDS: ReadonlySet<string> = new Set(
  'password passwd pwd pass passphrase passcode secret secrets token credential credentials authorization apikey apitoken authtoken accesstoken accesskey secretkey privatekey'.split(
    ' ',
  ),
)

/** A `key` is a secret only with one of these before it. */
const KEY_FRONTS: ReadonlySet<string> = new Set(
  'api access secret private auth encryption signing signature master service account client license ssh storage admin app hmac aes session deploy webhook jwt shared subscription'.split(
    ' ',
  ),
)

/** What makes a name about a secret rather than the secret itself. */
const ABOUT: ReadonlySet<string> = new Set(
  'file path name names type length len size count counts limit limits ttl expiry expires expiration expired age url uri region version format algorithm alg rotation policy prefix header headers endpoint field fields column required enabled disabled valid index usage budget hint min max regex pattern provider store manager class help prompt arn ref reference alias label kind source status state host port issuer audience scope scopes'.split(
    ' ',
  ),
)

/** Tokens that lead through pages or texts. */
const HARMLESS_TOKENS: ReadonlySet<string> = new Set(
  'next page continuation sync cursor pad eos bos unk stop start cls sep mask max min num first last'.split(' '),
)

/** `--token`: an option of a command, given apart from its value, that says that the next word is a secret. */
export const isSecretOption = (word: unknown): boolean =>
  typeof word === 'string' && /^--?[a-z][\w-]*$/i.test(word) && isSecretName(word.replace(/^--?/, ''))

export function isSecretName(name: string): boolean {
  if (/^(?:set-)?cookie$/i.test(name)) return true
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
  const last = words.at(-1)
  if (last === undefined || ABOUT.has(last)) return false
  if (last === 'id' || last === 'ids') return words.at(-2) === 'secret'
  if (last === 'key') {
    const before = words.at(-2)
    return before !== undefined && (KEY_FRONTS.has(before) || isVariable(name))
  }
  return words.some((word, i) => isSecretWord(word, words[i - 1]))
}

function isSecretWord(word: string, before: string | undefined): boolean {
  if (word === 'token') return before === undefined || !HARMLESS_TOKENS.has(before)
  if (word === 'pass') return before !== 'by'
  // `PGPASSWORD`, written in one.
  return SECRET_WORDS.has(word) || /(?:password|passwd)$/.test(word)
}

/** `OPENAI_KEY`: a variable of the environment. */
function isVariable(name: string): boolean {
  return /^[A-Z][A-Z0-9_]*_KEY$/.test(name)
}

/** In the query of an address these are secrets too. */
const QUERY_NAMES =
  /^(?:key|sig|signature|x-amz-signature|x-amz-security-token|x-goog-signature|auth|code_verifier|code)$/i

export function isSecretQueryName(name: string): boolean {
  return QUERY_NAMES.test(name) || isSecretName(name)
}
