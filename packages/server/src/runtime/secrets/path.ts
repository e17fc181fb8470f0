import { InvalidInput } from '../../errors.ts'

const LONGEST_PATH = 512
const segment = /^[A-Za-z0-9._-]+( +[A-Za-z0-9._-]+)*$/

/**
 * The path of a secret as it is stored: `db/password`. Clients put a slash before it, which doubles the one of the route; repeated
 * slashes are one.
 * @param where which part of the request it stood in, for the message
 * @throws InvalidInput naming what is wrong with it
 */
export function secretPath(text: string, where: 'path' | 'body' | 'query' = 'path'): string {
  const segments = text.split('/').filter((part) => part !== '')
  const path = segments.join('/')
  const refuse = (why: string): never => {
    const msg = `The secret path '${text.slice(0, 100)}' ${why}`
    throw new InvalidInput([{ loc: [where, 'path'], msg }], 'invalid_secret_path')
  }
  if (path === '') refuse('is empty; it takes segments such as db/password.')
  if (path.length > LONGEST_PATH) refuse(`is longer than ${LONGEST_PATH} characters.`)
  for (const one of segments) {
    if (one === '.' || one === '..') refuse(`contains '${one}', and a secret is named by its whole path.`)
    if (!segment.test(one)) refuse("may hold letters, digits, '.', '_', '-', single slashes and blanks between them.")
  }
  return path
}

/** The beginning of paths: as a path, but it may be empty and may end anywhere. @throws InvalidInput */
export function secretPrefix(text: string): string {
  const prefix = text.replace(/\/{2,}/g, '/').replace(/^\//, '')
  if (prefix.replaceAll('/', '') === '') return ''
  secretPath(prefix, 'query')
  return prefix
}
