import { type Issue, isRecord, type Path } from '../shape/shape.ts'
import { ManifestError } from './errors.ts'
import { expandFlatManifest, isFlatManifest } from './flat.ts'
import { judgeManifest, type ManifestRules } from './rules.ts'
import { manifestShape } from './schema.ts'
import { readingOf, readSource, type Source, valueSource } from './source.ts'
import type { AgentManifestDocument, AgentSpec, ManifestMetadata } from './types.ts'
import { writeYaml } from './yaml.ts'

/**
 * An agent manifest, checked and normalised. Numbers where the format wants text have become text,
 * `null` fields are gone, `max_retries` is `max_iterations`, the shorthand is spelled out.
 */
export class AgentManifest implements AgentManifestDocument {
  readonly apiVersion: AgentManifestDocument['apiVersion']
  readonly kind: 'Agent'
  readonly metadata: ManifestMetadata
  readonly spec: AgentSpec
  /** Things that are probably mistakes but do not stop a deploy, e.g. unknown keys. */
  readonly warnings: readonly Issue[]

  private constructor(document: AgentManifestDocument, warnings: readonly Issue[]) {
    this.apiVersion = document.apiVersion
    this.kind = document.kind
    this.metadata = document.metadata
    this.spec = document.spec
    this.warnings = warnings
  }

  /**
   * Read a manifest from YAML or JSON text, in full or in the flat shorthand.
   *
   * @throws ManifestError with path, line and column of every problem.
   */
  static parse(text: string, rules: ManifestRules = {}): AgentManifest {
    return AgentManifest.#read(readSource(text), rules)
  }

  /**
   * Check a manifest that is already a value, in full or in the flat shorthand.
   *
   * @throws ManifestError with the path of every problem.
   */
  static from(value: unknown, rules: ManifestRules = {}): AgentManifest {
    return AgentManifest.#read(valueSource(value instanceof AgentManifest ? value.toJSON() : value), rules)
  }

  /** Load and validate a manifest file. @throws ManifestError, or the file system's own error. */
  static async fromYamlFile(path: string, rules: ManifestRules = {}): Promise<AgentManifest> {
    const { readFile } = await import('node:fs/promises')
    return AgentManifest.parse(await readFile(path, 'utf8'), rules)
  }

  static #read(source: Source, rules: ManifestRules): AgentManifest {
    const flat = isRecord(source.value) && isFlatManifest(source.value) ? expandFlatManifest(source.value) : undefined
    const origin = flat ? flat.origin : (path: Path) => path
    const { issues, reading } = readingOf(source, origin)
    const document = manifestShape(flat ? flat.manifest : source.value, [], reading)
    const structural = issues.filter(isError)
    if (document) judgeManifest(document, reading, rules)
    const errors = withoutConsequences(structural, issues.filter(isError).slice(structural.length))
    if (!document || errors.length > 0) throw new ManifestError('manifest_invalid', errors)
    return new AgentManifest(
      document,
      issues.filter(({ severity }) => severity === 'warning'),
    )
  }

  /** Check again, by the rules of a deploy unless told otherwise. @returns true. @throws ManifestError. */
  validateManifest(rules: ManifestRules = {}): true {
    AgentManifest.from(this.toJSON(), rules)
    return true
  }

  /** The manifest as a plain value, keys in the order of the format. */
  toJSON(): AgentManifestDocument {
    return structuredClone({
      apiVersion: this.apiVersion,
      kind: this.kind,
      metadata: this.metadata,
      spec: this.spec,
    })
  }

  /** YAML that readers of YAML 1.1 (the Python SDK) and 1.2 understand alike. */
  toYaml(): string {
    return writeYaml(this.toJSON())
  }

  /** Serialise and write the manifest to a YAML file. */
  async toYamlFile(path: string): Promise<void> {
    const { writeFile } = await import('node:fs/promises')
    await writeFile(path, this.toYaml())
  }
}

const isError = ({ severity }: Issue): boolean => severity === 'error'

/** A field of the wrong type is reported once, not again as missing or as clashing with its neighbours. */
function withoutConsequences(structural: readonly Issue[], judged: readonly Issue[]): Issue[] {
  const paths = new Set(structural.map(({ path }) => path))
  const runtimeIsBroken = structural.some(({ path }) => path.startsWith('spec.runtime'))
  return [
    ...structural,
    ...judged.filter(({ path }) => !paths.has(path) && !(runtimeIsBroken && path.startsWith('spec.runtime'))),
  ]
}
