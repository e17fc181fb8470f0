import { parse } from 'yaml'
import { CliError } from '../../errors.ts'

/**
 * The value of a YAML file that stands beside a bundle. Words mean what they mean in the bundle (YAML 1.1: `yes` is true),
 * but dates stay text, because arguments of calls come as JSON, which has none.
 */
export function parseYaml(file: string, text: string): unknown {
  try {
    return parse(text, {
      version: '1.1',
      customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || !tag.tag.endsWith(':timestamp')),
    })
  } catch (cause) {
    throw new CliError('yaml', `${file}: ${(cause as Error).message}`, { cause })
  }
}
