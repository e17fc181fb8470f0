import { resolvePlain } from '../load/yaml/resolve.ts'
import { dateText } from '../plain/dates.ts'

/**
 * Plain data as YAML that YAML 1.1 and 1.2 read alike, and always the same text for the same data: block style, two spaces,
 * strings plain where nobody can mistake them and double-quoted elsewhere.
 */
export function emitYaml(value: unknown): string {
  return `${emit(value, 0, false)}\n`
}

function emit(value: unknown, indent: number, inList: boolean): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return ' []'
    const lines = value.map((item) => `${pad(indent)}-${emit(item, indent + 1, true)}`)
    return `\n${lines.join('\n')}`
  }
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined)
    if (entries.length === 0) return ' {}'
    const lines = entries.map(([key, item]) => `${emitText(key)}:${emit(item, indent + 1, false)}`)
    if (inList) return ` ${lines.join(`\n${pad(indent)}`)}`
    const text = lines.map((line) => pad(indent) + line).join('\n')
    return indent === 0 ? text : `\n${text}`
  }
  return ` ${emitScalar(value)}`
}

function pad(indent: number): string {
  return '  '.repeat(indent)
}

function emitScalar(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'number') {
    if (Number.isNaN(value)) return '.nan'
    if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf'
    const text = String(value)
    // 1e+21 needs a dot to be a number in YAML 1.1, and 1e-7 as well.
    return text.includes('e') && !text.includes('.') ? text.replace('e', '.0e') : text
  }
  if (value instanceof Date) return dateText(value)
  return typeof value === 'string' ? emitText(value) : String(value)
}

/** Control characters, line separators, byte order marks, lone surrogates: all that YAML folds, drops or refuses. */
const ESCAPED =
  /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

function emitText(text: string): string {
  if (
    /^[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*$/.test(text) &&
    text.length < 80 &&
    resolvePlain(text) === 'str'
  )
    return text
  const quoted = JSON.stringify(text)
  return quoted.replace(ESCAPED, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
