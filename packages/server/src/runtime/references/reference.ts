import { InvalidInput } from '../../errors.ts'
import { secretPath } from '../secrets/path.ts'

/** A value that a manifest names instead of holding it. */
export type Reference =
  | { readonly kind: 'secret'; readonly path: string; readonly field: string | null }
  /** By id or label. */
  | { readonly kind: 'credential'; readonly name: string }

/** The reference is none that could be followed. The message names it, never a value. */
export class BadReference extends Error {
  override readonly name = 'BadReference'
}

/**
 * `secret:db/password`, `secret:account#password` for one of its fields, or `credential:github`; null for any other text.
 * @throws BadReference for one that is malformed
 */
export function referenceIn(text: string): Reference | null {
  const [, kind, named = ''] = /^(secret|credential):(.*)$/s.exec(text) ?? []
  if (kind === undefined) return null
  if (kind === 'credential') {
    if (named.trim() === '') throw new BadReference("'credential:' names no credential; it takes an id or a label.")
    return { kind: 'credential', name: named.trim() }
  }
  const [path = '', ...field] = named.split('#')
  try {
    return { kind: 'secret', path: secretPath(path), field: field.length === 0 ? null : field.join('#') }
  } catch (error) {
    if (error instanceof InvalidInput) throw new BadReference(error.message)
    throw error
  }
}

/** What stands before a reference in a header: `Bearer credential:github`. */
export function schemeOf(text: string): { scheme: string; named: string } {
  const [, scheme = '', named = text] = /^([A-Za-z][\w-]* )((?:secret|credential):.*)$/s.exec(text) ?? []
  return { scheme, named }
}

/** @throws BadReference naming the header whose reference cannot be followed */
export function requireHeaderReferences(headers: Readonly<Record<string, string>> | undefined): void {
  for (const [name, value] of Object.entries(headers ?? {}))
    try {
      referenceIn(schemeOf(value).named)
    } catch (error) {
      throw new BadReference(`spec.output_handler.headers.${name}: ${(error as Error).message}`)
    }
}

/** @throws BadReference naming the variable whose reference cannot be followed */
export function requireReferences(env: Readonly<Record<string, string>> | undefined): void {
  for (const [name, value] of Object.entries(env ?? {}))
    try {
      referenceIn(value)
    } catch (error) {
      throw new BadReference(`spec.env.${name}: ${(error as Error).message}`)
    }
}
