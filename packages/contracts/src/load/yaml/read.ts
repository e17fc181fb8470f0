import { EdictumConfigError } from '../../errors.ts'
import { issue, Places } from '../issues.ts'
import { decodeYaml } from './decode.ts'
import { parseYaml } from './parse.ts'
import { YamlError } from './tokens.ts'
import { plainValue } from './value.ts'

/**
 * The plain, frozen value of a YAML text, read as bundles are read: YAML 1.1 scalars, aliases bounded, no tags of a language.
 * Nothing of what the value means is checked.
 *
 * @throws {EdictumConfigError} with the place of what is not YAML
 */
export function readYaml(text: string): unknown {
  try {
    return plainValue(parseYaml(decodeYaml(new TextEncoder().encode(text))))
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    const place = new Places(text).of(error.offset)
    const where = place.line === null ? '' : ` (line ${place.line}, column ${place.column})`
    throw new EdictumConfigError([issue('yaml_parse', '', place, `${error.message}${where}`, error.hint)])
  }
}
