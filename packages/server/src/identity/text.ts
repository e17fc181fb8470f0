import { InvalidInput } from '../errors.ts'

const tags = /<[^<>]+>/
const unsafe = /<script|javascript:|on\w{1,40}\s{0,40}=|<iframe|<object|<embed|<svg|expression\s{0,40}\(/i

/** A label that people will read: no markup, no script. */
export function requireSafeLabel(value: string | null | undefined, field: string): void {
  if (!value) return
  const refuse = (msg: string): never => {
    throw new InvalidInput([{ loc: ['body', field], msg: `Value error, ${msg}` }])
  }
  if (tags.test(value)) refuse('HTML tags are not allowed in this field')
  if (unsafe.test(value)) refuse('Potentially unsafe content detected in this field')
}
