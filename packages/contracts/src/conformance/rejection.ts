import { EdictumConfigError } from '../errors.ts'
import { loadDocument } from '../load/index.ts'
import { compilePolicy } from '../policy/compile.ts'
import { type Mismatch, mismatch } from './result.ts'
import { asMapping, type Mapping, unknownKey } from './values.ts'

/** A rejection case: loading must fail with a configuration error that names the field. */
export function runRejectionCase(fixture: Mapping): Mismatch {
  const stray = unknownKey(fixture, ['id', 'description', 'bundle', 'expected'])
  if (stray !== null) return mismatch('a known key', `unknown key '${stray}'`)
  const expected = asMapping(fixture.expected)
  const strange = unknownKey(expected, ['rejected', 'error_contains'])
  if (strange !== null) return mismatch('a known expectation', `unknown expectation '${strange}'`)
  if (typeof expected.rejected !== 'boolean') return mismatch('expected.rejected: true or false', 'no such value')
  const error = loadError(fixture.bundle)
  if (error === null) return expected.rejected ? mismatch('a configuration error', 'the bundle loads') : null
  if (!expected.rejected) return mismatch('the bundle loads', error.message)
  if (!(error instanceof EdictumConfigError))
    return mismatch('a configuration error', `${error.name}: ${error.message}`)
  const needle = typeof expected.error_contains === 'string' ? expected.error_contains : ''
  return error.message.toLowerCase().includes(needle.toLowerCase())
    ? null
    : mismatch(`an error that contains '${needle}'`, error.message)
}

function loadError(bundle: unknown): Error | null {
  try {
    compilePolicy(loadDocument(bundle), { version: 'fixture' })
    return null
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
