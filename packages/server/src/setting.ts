import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { StartupError } from './errors.ts'

type Kind = 'string' | 'integer' | 'boolean' | 'list'

/** One setting of the table in `config.ts`. */
export interface Setting {
  readonly variable: string
  readonly kind: Kind
  readonly fallback: string
  readonly meaning: string
  readonly secret?: true
  readonly min?: number
  readonly max?: number
  readonly oneOf?: readonly string[]
}

/** What the environment says, by the variable or by `<NAME>_FILE`; else the default. @throws StartupError. */
export function textOf(setting: Setting, environment: Readonly<Record<string, string | undefined>>): string {
  const direct = environment[setting.variable]
  if (direct !== undefined && direct !== '') return direct
  const file = environment[`${setting.variable}_FILE`]
  if (!file) return setting.fallback
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new StartupError('setting_file', `${setting.variable}_FILE names '${file}', which cannot be read.`, cause)
  }
}

/** The setting's value. @throws StartupError that names the variable and what it takes. */
export function parse(setting: Setting, text: string): unknown {
  const wrong = (takes: string) =>
    new StartupError(
      'setting',
      `${setting.variable} is ${setting.secret ? 'not valid' : `'${text}'`}; it takes ${takes}.`,
    )
  if (setting.oneOf && !setting.oneOf.includes(text)) throw wrong(`one of ${setting.oneOf.join(', ')}`)
  switch (setting.kind) {
    case 'string':
      return text
    case 'list':
      return text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
    case 'boolean':
      if (!/^(true|false|1|0|yes|no|on|off)$/i.test(text)) throw wrong('true or false')
      return /^(true|1|yes|on)$/i.test(text)
    case 'integer': {
      const value = Number(text)
      const { min = 0, max = Number.MAX_SAFE_INTEGER } = setting
      if (!/^\d+$/.test(text) || value < min || value > max) throw wrong(`a whole number from ${min} to ${max}`)
      return value
    }
  }
}

export function requireWebAddress(text: string): void {
  const isWebAddress = /^https?:\/\/[^/\\?#]/i.test(text) && URL.canParse(text)
  if (text !== '' && !isWebAddress)
    throw new StartupError(
      'setting',
      `LICTOR_BASE_URL is '${text}'; it takes the public address, for example https://lictor.example.com.`,
    )
}

export function requireProxy(text: string): void {
  const [address = '', prefix, ...rest] = text.split('/')
  const bits = isIP(address) === 6 ? 128 : 32
  const isNetwork =
    isIP(address) !== 0 &&
    rest.length === 0 &&
    (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits))
  if (text !== '*' && !isNetwork)
    throw new StartupError(
      'setting',
      `LICTOR_TRUSTED_PROXIES names '${text}', which is no address; it takes a comma-separated list such as 10.0.0.1,10.1.0.0/16, or *.`,
    )
}
