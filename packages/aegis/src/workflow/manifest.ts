import { describeIssue, ManifestError } from '../manifest/errors.ts'
import { readingOf, readSource, type Source, valueSource } from '../manifest/source.ts'
import { AGENT_API_VERSION } from '../manifest/types.ts'
import { writeYaml } from '../manifest/yaml.ts'
import { type Issue, isRecord, type Path } from '../shape/shape.ts'
import { type Findings, judgeWorkflow } from './rules.ts'
import { workflowShape } from './schema.ts'
import { judgeTemplates, type TemplateCheck } from './templates.ts'
import { type WorkflowManifestDocument, type WorkflowMetadata, type WorkflowSpec, workflowDefaults } from './types.ts'

/** A workflow manifest that cannot be used. `refusal` has its first problem in the words in which servers refuse a registration. */
export class WorkflowManifestError extends ManifestError {
  /** For example `Failed to parse workflow YAML manifest: Validation error: Workflow must have at least one state`. */
  readonly refusal: string

  constructor(code: ManifestError['code'], issues: readonly Issue[], refusal: string) {
    super(code, issues)
    this.name = 'WorkflowManifestError'
    this.refusal = refusal
  }
}

/** How a manifest is read. */
export interface WorkflowRules {
  /** What stands in `metadata`, whatever the manifest says. */
  readonly metadata?: Partial<WorkflowMetadata>
  /** Judges its templates; without it they are not looked at. */
  readonly templates?: TemplateCheck
}

const PARSING = 'Failed to parse workflow YAML manifest: '

/** A workflow manifest, checked and normalised: states that were a list are a map, aliases have their first name, `null` fields are gone. */
export class WorkflowManifest implements WorkflowManifestDocument {
  readonly apiVersion: WorkflowManifestDocument['apiVersion']
  readonly kind: 'Workflow'
  readonly metadata: WorkflowMetadata
  readonly spec: WorkflowSpec
  /** What loads but is probably not meant so: unknown keys, states without a way to them, rounds without an end. */
  readonly warnings: readonly Issue[]

  private constructor(document: WorkflowManifestDocument, warnings: readonly Issue[]) {
    this.apiVersion = document.apiVersion
    this.kind = document.kind
    this.metadata = document.metadata
    this.spec = document.spec
    this.warnings = warnings
  }

  /**
   * Read a manifest from YAML or JSON text, of at most 262,144 characters.
   *
   * @throws WorkflowManifestError with path, line and column of every problem.
   */
  static parse(text: string, rules: WorkflowRules = {}): WorkflowManifest {
    return WorkflowManifest.#read(() => readSource(text), rules)
  }

  /**
   * Check a manifest that is already a value.
   *
   * @throws WorkflowManifestError with the path of every problem.
   */
  static from(value: unknown, rules: WorkflowRules = {}): WorkflowManifest {
    return WorkflowManifest.#read(() => valueSource(value instanceof WorkflowManifest ? value.toJSON() : value), rules)
  }

  static #read(open: () => Source, rules: WorkflowRules): WorkflowManifest {
    const source = opened(open)
    const { value, placeOf } = withNamedStates(withMetadata(source.value, rules.metadata))
    const { issues, reading } = readingOf(source, placeOf)
    const document = workflowShape(value, [], reading)
    const structural = issues.filter(isError)
    const refusals = new Map<Issue, string>(
      structural.map((issue) => [issue, `${PARSING}YAML parse error: ${issue.message}`]),
    )
    const saying =
      (beginning: string): Findings['rule'] =>
      (path, message) => {
        const before = issues.length
        reading.report(path, message)
        const issue = issues[before]
        if (issue) refusals.set(issue, `${beginning}${message}`)
      }
    if (document) {
      if (document.metadata) document.metadata.version ??= workflowDefaults.version
      const named = isRecord(value) && isRecord(value.spec) && isRecord(value.spec.states) ? value.spec.states : {}
      judgeWorkflow(document, new Set(Object.keys(named)), {
        header: saying(PARSING),
        rule: saying(`${PARSING}Validation error: `),
        limit: saying(''),
        warn: (path, message) => reading.report(path, message, 'warning'),
      })
      if (rules.templates) judgeTemplates(document, rules.templates, saying(`${PARSING}Validation error: `))
    }
    const errors = withoutConsequences(structural, issues.filter(isError).slice(structural.length))
    const [first] = errors
    if (!document || first)
      throw new WorkflowManifestError('manifest_invalid', errors, (first && refusals.get(first)) ?? PARSING)
    return new WorkflowManifest(
      document,
      issues.filter(({ severity }) => severity === 'warning'),
    )
  }

  /** The manifest as a plain value, keys in the order of the format. */
  toJSON(): WorkflowManifestDocument {
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
}

/** @throws WorkflowManifestError for what cannot be read */
function opened(open: () => Source): Source {
  try {
    return open()
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    const refusal = `${PARSING}YAML parse error: ${error.issues.map(describeIssue).join('; ')}`
    throw new WorkflowManifestError(error.code, error.issues, refusal)
  }
}

const isError = ({ severity }: Issue): boolean => severity === 'error'

/** A field of the wrong type is reported once, not again as missing. */
function withoutConsequences(structural: readonly Issue[], judged: readonly Issue[]): Issue[] {
  const paths = structural.map(({ path }) => path)
  return [
    ...structural,
    ...judged.filter(
      ({ path }) =>
        !paths.some((broken) => broken === path || path.startsWith(`${broken}[`) || broken === parentOf(path)),
    ),
  ]
}

const parentOf = (path: string): string => path.replace(/(\.[^.[\]]+|\[[^\]]*\])$/, '')

/** The manifest with more in its `metadata`; a `spec` alone becomes one. */
function withMetadata(value: unknown, metadata: WorkflowRules['metadata']): unknown {
  if (metadata === undefined || !isRecord(value)) return value
  const isSpec = value.spec === undefined && value.states !== undefined
  const whole = isSpec ? { apiVersion: AGENT_API_VERSION, kind: 'Workflow', spec: value } : value
  return { ...whole, metadata: { ...(isRecord(whole.metadata) ? whole.metadata : {}), ...metadata } }
}

/** One guide writes the states as a list of objects with a `name`: they become a map, and each place is found in the list again. */
function withNamedStates(value: unknown): { value: unknown; placeOf: (path: Path) => Path } {
  const asIs = { value, placeOf: (path: Path) => path }
  if (!isRecord(value) || !isRecord(value.spec) || !Array.isArray(value.spec.states)) return asIs
  const entries: unknown[] = value.spec.states
  const names = entries.map((entry) => (isRecord(entry) && typeof entry.name === 'string' ? entry.name : undefined))
  if (names.some((name) => name === undefined) || new Set(names).size < names.length) return asIs
  const states = Object.fromEntries(
    entries.map((entry, index) => {
      const state = { ...(entry as Record<string, unknown>) }
      // The one kind of state that has a name of its own: in a list it is also that.
      if (state.kind !== 'ContainerRun') delete state.name
      return [names[index], state]
    }),
  )
  return {
    value: { ...value, spec: { ...value.spec, states } },
    placeOf: ([spec, states, name, ...rest]) => {
      const index = spec === 'spec' && states === 'states' ? names.indexOf(String(name)) : -1
      if (index >= 0) return ['spec', 'states', index, ...rest]
      return [spec, states, name, ...rest].filter((step) => step !== undefined)
    },
  }
}
