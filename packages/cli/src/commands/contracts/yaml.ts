import { CliError } from '../../errors.ts'
import { yaml } from '../../terminal/yaml.ts'

/**
 * The value of a YAML file that stands beside a bundle. Words mean what they mean in the bundle (YAML 1.1: `yes` is true),
 * but dates stay text, because arguments of calls come as JSON, which has none, and integers that a double cannot carry are
 * big ones, as in the JSON of other commands.
 */
export function parseYaml(file: string, text: string): unknown {
  try {
    const value: unknown = yaml().parse(text, {
      version: '1.1',
      intAsBigInt: true,
      customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || !tag.tag.endsWith(':timestamp')),
    })
    return plainIntegers(value)
  } catch (cause) {
    throw new CliError('yaml', `${file}: ${(cause as Error).message}`, { cause })
  }
}

function plainIntegers(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (Array.isArray(value)) return value.map(plainIntegers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainIntegers(item)]))
}
