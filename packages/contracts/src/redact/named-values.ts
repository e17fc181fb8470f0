import { isSecretName, isSecretQueryName } from './names.ts'
import { mayBeSecret, REDACTED } from './redacted.ts'

/**
 * Values that stand behind a name. Every name is at most 80 characters long and begins where no name was going on, so that
 * each pattern costs time linear in the text.
 */

const FIELD = /"([\w.-]{1,80})"(\s{0,4}:\s{0,4})"((?:[^"\\\n]|\\.)*)"/g
const ESCAPED_FIELD = /\\"([\w.-]{1,80})\\"(\s{0,4}:\s{0,4})\\"([^"\\\n]*)\\"/g
const PYTHON_FIELD = /'([\w.-]{1,80})'(\s{0,4}:\s{0,4})'([^'\n]*)'/g
const PAIR =
  /("(?:name|key|header|field)"\s{0,4}:\s{0,4}"([^"\n]{1,100})"\s{0,4},\s{0,4}"value"\s{0,4}:\s{0,4}")([^"\n]*)"/gi
const PAIR_BACKWARDS =
  /("value"\s{0,4}:\s{0,4}")([^"\n]{1,4096})("\s{0,4},\s{0,4}"(?:name|key|header|field)"\s{0,4}:\s{0,4}"([^"\n]{1,100})")/gi

/** Fields of objects written as JSON, as JSON within JSON, or as Python writes them; names and values of lists. */
export function redactFields(text: string): string {
  let result = text
  if (text.includes('"')) {
    result = result
      .replace(FIELD, (all, name: string, sign: string, value: string) =>
        isSecretName(name) && mayBeSecret(value) ? `"${name}"${sign}"${REDACTED}"` : all,
      )
      .replace(PAIR, (all, head: string, name: string, value: string) =>
        isSecretName(name) && mayBeSecret(value) ? `${head}${REDACTED}"` : all,
      )
      .replace(PAIR_BACKWARDS, (all, head: string, value: string, tail: string, name: string) =>
        isSecretName(name) && mayBeSecret(value) ? `${head}${REDACTED}${tail}` : all,
      )
  }
  if (text.includes('\\"')) {
    result = result.replace(ESCAPED_FIELD, (all, name: string, sign: string, value: string) =>
      isSecretName(name) && mayBeSecret(value) ? `\\"${name}\\"${sign}\\"${REDACTED}\\"` : all,
    )
  }
  if (!text.includes("'")) return result
  return result.replace(PYTHON_FIELD, (all, name: string, sign: string, value: string) =>
    isSecretName(name) && mayBeSecret(value) ? `'${name}'${sign}'${REDACTED}'` : all,
  )
}

/** A value in quotes, or to the next blank or character that ends one. */
const VALUE = '("(?:[^"\\\\\\n]|\\\\.)*"|\'[^\'\\n]*\'|[^\\s"\'`,;&|<>()\\[\\]{}\\\\]+)'
const NAME = '(?<![\\w.-])(-{0,2}[A-Za-z_][\\w.-]{0,79})'

const ASSIGNED = new RegExp(`([?&])?${NAME}=(?!=)${VALUE}([(\\[]?)`, 'g')
const ASSIGNED_APART = new RegExp(`${NAME}([ \\t]{1,4}=[ \\t]{1,4})${VALUE}([^\\n]?)`, 'g')
const OPTION = new RegExp(`(?<![\\w-])(--[A-Za-z][\\w-]{0,60})([ \\t]{1,4})(?!-)${VALUE}`, 'g')
const HEADER = new RegExp(`(?<![\\w.-])([A-Za-z]+(?:-[A-Za-z0-9]{1,40}){1,6})(:[ \\t]{0,4})${VALUE}`, 'g')
const SETTING = /^([ \t]{0,40}(?:- )?)([A-Za-z_][\w.-]{0,79})(:[ \t]{1,4})(\S+)[ \t]*$/gm

/** `NAME=value`, `name = "value"`, `?name=value`, `--name value`, `X-Name: value`, `name: value` on a line of its own. */
export function redactNamedValues(text: string): string {
  let result = text
  if (text.includes('=')) {
    result = result
      .replace(ASSIGNED, (all, query: string | undefined, name: string, value: string, call: string) => {
        const isSecret = query === undefined ? isSecretName(name) : isSecretQueryName(name)
        if (!isSecret || call !== '' || !worthHiding(name, value)) return all
        return `${query ?? ''}${name}=${hidden(value)}`
      })
      .replace(ASSIGNED_APART, (all, name: string, sign: string, value: string, next: string) => {
        if (!isSecretName(name) || !worthHiding(name, value)) return all
        if (!/^["']/.test(value) && (next !== '' || !looksRandom(value))) return all
        return name + sign + hidden(value) + next
      })
  }
  if (text.includes('--')) {
    result = result.replace(OPTION, (all, name: string, blank: string, value: string) =>
      isSecretName(name) && mayBeSecret(bare(value)) ? name + blank + hidden(value) : all,
    )
  }
  if (!text.includes(':')) return result
  return result
    .replace(HEADER, (all, name: string, sign: string, value: string) =>
      isSecretName(name) && mayBeSecret(bare(value)) && !SCHEMES.test(value) ? name + sign + hidden(value) : all,
    )
    .replace(SETTING, (all, indent: string, name: string, sign: string, value: string) =>
      isSecretName(name) && mayBeSecret(bare(value)) && looksRandom(bare(value))
        ? indent + name + sign + hidden(value)
        : all,
    )
}

/** What stands behind these is looked at on its own. */
const SCHEMES = /^(?:bearer|basic|token|digest|apikey|negotiate)$/i

/** `token=token` hands a value on under its own name, and `pass=3` counts. */
function worthHiding(name: string, value: string): boolean {
  const text = bare(value)
  if (!mayBeSecret(text) || text.toLowerCase() === name.replace(/^-+/, '').toLowerCase()) return false
  return !(/^\d{1,6}$/.test(text) && /^-*(?:pass|token)$/i.test(name))
}

/** No word of a language: a digit or a sign in it, or letters of both sizes. */
function looksRandom(value: string): boolean {
  return value.length >= 6 && /^[\x21-\x7e]+$/.test(value) && (/\d|[^\w]/.test(value) || /[a-z][A-Z]/.test(value))
}

function bare(value: string): string {
  return /^["']/.test(value) ? value.slice(1, -1) : value
}

/** Quotes stay, so that a line of a file or of a shell reads as before. */
function hidden(value: string): string {
  const quote = /^["']/.test(value) ? value[0] : ''
  return `${quote}${REDACTED}${quote}`
}
