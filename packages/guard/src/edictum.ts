import {
  fromMultiple,
  fromTemplate,
  fromYaml,
  fromYamlString,
  type YamlArguments,
  type YamlReport,
} from './factories.ts'
import { Guard } from './guard.ts'
import type { ServerGuardOptions, YamlOptions } from './options.ts'

/** The guard, and the ways to make one. */
export class Edictum extends Guard {
  /** A guard from YAML files, composed left to right. With `returnReport`, the guard and what the composition did. */
  static fromYaml(...paths: YamlArguments<false>): Edictum
  static fromYaml(...paths: YamlArguments<true>): [Edictum, YamlReport]
  static fromYaml(...paths: YamlArguments<boolean>): Edictum | [Edictum, YamlReport] {
    return fromYaml(paths, Edictum)
  }

  /** A guard from the text or bytes of one bundle. */
  static fromYamlString(content: string | Uint8Array, options: YamlOptions = {}): Edictum {
    return fromYamlString(content, options, Edictum)
  }

  /** A guard from a template by name: from the given folders first, then from those built in. */
  static fromTemplate(
    name: string,
    options: YamlOptions & { readonly templateDirs?: readonly string[] } = {},
  ): Edictum {
    return fromTemplate(name, options, Edictum)
  }

  /** One guard with the contracts of several; everything else is the first one's. */
  static fromMultiple(guards: readonly Guard[]): Edictum {
    return fromMultiple(guards, Edictum)
  }

  /** A guard connected to the console: contracts, audit, approvals and sessions live there. */
  static async fromServer(options: ServerGuardOptions): Promise<Edictum> {
    const { connect } = await import('./server/connect.ts')
    return (await connect(options, Edictum)).guard
  }
}
