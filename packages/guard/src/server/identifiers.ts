import { configError } from '../errors.ts'
import type { Logger } from '../logger.ts'

/** What agent ids, environments and bundle names look like. */
export const SAFE_IDENTIFIER_RE = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/

const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]/

export function checkIdentifier(value: unknown, name: string): asserts value is string {
  if (typeof value !== 'string' || !SAFE_IDENTIFIER_RE.test(value)) {
    throw configError(
      `${name} is ${JSON.stringify(value)}; it must be 1 to 128 characters of A-Z, a-z, 0-9, '.', '_' and '-', starting with a letter or digit.`,
    )
  }
}

export function checkTags(tags: unknown): asserts tags is Readonly<Record<string, string>> {
  if (typeof tags !== 'object' || tags === null || Array.isArray(tags)) {
    throw configError('tags must be an object of strings.')
  }
  const entries = Object.entries(tags)
  if (entries.length > 64) throw configError(`tags has ${entries.length} entries; at most 64 are allowed.`)
  for (const [key, value] of entries) {
    if (key === '' || key.length > 128 || CONTROL_CHARACTERS.test(key)) {
      throw configError(`Tag key ${JSON.stringify(key)} must be 1 to 128 characters without control characters.`)
    }
    if (typeof value !== 'string' || value.length > 256 || CONTROL_CHARACTERS.test(value)) {
      throw configError(`Tag ${key} must be a string of at most 256 characters without control characters.`)
    }
  }
}

export function checkApiKey(apiKey: unknown): asserts apiKey is string {
  if (typeof apiKey !== 'string' || apiKey === '' || CONTROL_CHARACTERS.test(apiKey)) {
    throw configError('apiKey must be a non-empty string without control characters; create one in the console.')
  }
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1', '[::1]'])

/** Checks the console's address and returns it without trailing slashes. The key never travels in the clear by accident. */
export function checkBaseUrl(baseUrl: unknown, allowInsecure: boolean, logger: Logger): string {
  let url: URL
  try {
    url = new URL(String(baseUrl))
  } catch {
    throw configError(
      `url is ${JSON.stringify(baseUrl)}, which is no URL; use for example https://console.example.com.`,
    )
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw configError(`url uses ${url.protocol}//; only https:// (and http:// on this machine) is supported.`)
  }
  if (url.username !== '' || url.password !== '') {
    throw configError('url must not contain a user name or password; pass the key as apiKey.')
  }
  if (url.search !== '' || url.hash !== '') {
    throw configError('url must not contain a query or a fragment.')
  }
  if (url.protocol === 'http:' && !LOOPBACK.has(url.hostname)) {
    if (!allowInsecure) {
      throw configError(
        `HTTPS required: url uses plaintext http:// to ${url.hostname}. Use https://, or pass allowInsecure: true to send the API key in the clear.`,
      )
    }
    logger.warn(`plaintext HTTP to ${url.hostname}: the API key and all events travel in the clear (allowInsecure).`)
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}
