import { mayBeSecret, REDACTED } from './redacted.ts'

/** Credentials behind the name of a scheme or of a program. */

const AUTHORIZATION =
  /(authorization\\?["']?\s{0,4}[:=]\s{0,4}\\?["']?(?:(bearer|basic|token|digest|apikey)[ \t]{1,4})?)([^\s"'\\,;[\]{}<>]+)/gi
const SCHEME = /(?<![\w-])((?:bearer|basic)[ \t]{1,4})([\w.~+/-]{14,4096}={0,2})/gi

/** Reaches over the options of one command, and no further than a line of a person. */
const REST = '[^\\n;|&]{0,160}?'
const VALUE = '("[^"\\n]*"|\'[^\'\\n]*\'|[^\\s"\'`;&|<>()\\[\\]{}]+)'
const COMMANDS: readonly RegExp[] = [
  new RegExp(`(?<![\\w-])((?:mysql|mariadb)[\\w-]{0,20}(?:[ \\t]${REST})?[ \\t]-p[ \\t]?)${VALUE}`, 'g'),
  new RegExp(`(?<![\\w-])(sshpass[ \\t]{1,4}-p[ \\t]{0,4})${VALUE}`, 'g'),
  new RegExp(`(?<![\\w-])((?:docker|podman|buildah)[ \\t]{1,4}login${REST}[ \\t]-p[ \\t]{0,4})${VALUE}`, 'g'),
  new RegExp(`(?<![\\w-])(redis-cli${REST}[ \\t]-a[ \\t]{1,4})${VALUE}`, 'g'),
]
const CURL_USER = new RegExp(
  `(?<![\\w-])((?:curl|wget)[ \\t]${REST}(?:-u[ \\t]{0,4}|--user[= \\t]{1,4})["']?[^\\s:"'/]{1,80}:)([^\\s"'/@]+)`,
  'g',
)

export function redactCredentials(text: string): string {
  let result = text
    .replace(AUTHORIZATION, (all, head: string, scheme: string | undefined, value: string) => {
      if (!mayBeSecret(value) || (scheme === undefined && !isKeyLike(value))) return all
      return head + REDACTED
    })
    .replace(SCHEME, (all, head: string, value: string) =>
      mayBeSecret(value) && isKeyLike(value) ? head + REDACTED : all,
    )
  if (/mysql|mariadb|sshpass|login|redis-cli/.test(result)) {
    for (const command of COMMANDS) result = result.replace(command, hideLast)
  }
  return /curl|wget/.test(result) ? result.replace(CURL_USER, hideLast) : result
}

function hideLast(all: string, head: string, value: string): string {
  return mayBeSecret(value) ? head + REDACTED : all
}

/** Words of prose have no digits and end somewhere. */
function isKeyLike(value: string): boolean {
  return value.length >= 24 || (value.length >= 14 && /\d/.test(value))
}
