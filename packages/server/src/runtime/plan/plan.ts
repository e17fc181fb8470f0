import { type AgentManifestDocument, parseDuration, parseSize, type RuntimeConfig } from '@lictor/aegis'
import type { FilePolicy } from '../files/file-policy.ts'
import { shownPath } from '../files/path.ts'
import { BadReference, requireReferences } from '../references/reference.ts'
import { type Check, checksOf, type JudgedCheck, toolChecksOf, UnusableCheck } from '../validation/checks.ts'
import { type ImagePlan, imageOf } from './image.ts'
import { type Interpreter, interpreterOf } from './languages.ts'
import { type MountPlan, mountsOf } from './mounts.ts'
import { InvalidHost, type NetworkPlan, networkOf } from './network.ts'
import { type OutputHandler, outputHandlerOf } from './output-handler.ts'
import { isSwarmTool, swarmToolNames } from './swarm-tools.ts'
import { unavailableIn } from './unavailable.ts'

/** What a manifest asks of the runtime, in plain numbers. */
export interface ExecutionPlan {
  readonly language: Interpreter
  readonly isolation: 'inherit' | 'docker' | 'process'
  readonly image: ImagePlan
  /** Instances that wait for an execution of this agent. */
  readonly warmPoolSize: number
  readonly maxIterations: number
  /** Milliseconds of the whole execution, and of one iteration. */
  readonly limit: number
  readonly iterationLimit: number
  /** Seconds a model turn may take at most. */
  readonly llmTimeoutSeconds: number
  readonly network: NetworkPlan
  /** Bytes. */
  readonly memory: number
  /** Thousandths of a processor. */
  readonly cpu: number
  readonly disk: number
  readonly validators: readonly Check[]
  /** Judges of every call of a tool that is subject to judges. */
  readonly toolJudges: readonly JudgedCheck[]
  readonly tools: readonly string[]
  /** Questions that one execution may ask people. */
  readonly maxQuestions: number
  readonly filePolicy: FilePolicy | undefined
  /** Volumes in the workspace. */
  readonly mounts: readonly MountPlan[]
  readonly modelAlias: string
  /** Turns for the scripted model, carried by the manifest itself. */
  readonly modelScript: string | undefined
  readonly temperature: number | undefined
  readonly instruction: string
  /** Who gets the accepted output; null: nobody. */
  readonly outputHandler: OutputHandler | null
  /** The agent's own bootstrap, as its sandbox sees it; null: the default one. */
  readonly bootstrapPath: string | null
}

/** With `spec.runtime.model: scripted`, a manifest may carry the model's turns: demonstrations and tests that need no account. */
const SCRIPT_ANNOTATION = 'lictor.dev/script'

/** How many questions one execution may ask people, where it is not the usual number. */
const QUESTIONS_ANNOTATION = 'lictor.dev/max-questions'
const DEFAULT_QUESTIONS = 20
const MOST_QUESTIONS = 1000

/** Why this server cannot execute a manifest that is valid in itself. */
export class NotExecutable extends Error {
  override readonly name = 'NotExecutable'
  /** Where in the manifest, when it names what no later change of this server's settings could bring: a tool or a language. */
  readonly unknownAt: readonly string[] | null
  constructor(message: string, unknownAt: readonly string[] | null = null) {
    super(message)
    this.unknownAt = unknownAt
  }
}

const DEFAULT_LIMIT_SECONDS = 1800
const DEFAULT_ITERATION_SECONDS = 600
const DEFAULT_LLM_SECONDS = 300
const DEFAULT_MEMORY = 512 * 1024 ** 2
const DEFAULT_CPU = 1000
const DEFAULT_DISK = 1024 ** 3

/** @throws NotExecutable naming the field */
export function planOf(manifest: AgentManifestDocument): ExecutionPlan {
  const { spec, metadata } = manifest
  requireFollowable(spec.env)
  const { execution, security, runtime } = spec
  const missing = unavailableIn(manifest)
  if (missing !== null) throw new NotExecutable(missing)
  const resources = security?.resources
  const mounts = mountsOf(spec.volumes, (message) => {
    throw new NotExecutable(message)
  })
  return {
    language: languageOf(runtime),
    isolation: isolationOf(runtime.isolation),
    image: imageOf(runtime),
    warmPoolSize: spec.advanced?.warm_pool_size ?? 0,
    maxIterations: attemptsOf(manifest),
    limit: seconds(resources?.timeout, DEFAULT_LIMIT_SECONDS, 'spec.security.resources.timeout') * 1000,
    iterationLimit: iterationSeconds(execution) * 1000,
    llmTimeoutSeconds: execution?.llm_timeout_seconds ?? DEFAULT_LLM_SECONDS,
    network: reachable(() => networkOf(security?.network)),
    memory: bytes(resources?.memory, DEFAULT_MEMORY, 'spec.security.resources.memory'),
    cpu: resources?.cpu ?? DEFAULT_CPU,
    disk: bytes(resources?.disk, DEFAULT_DISK, 'spec.security.resources.disk'),
    validators: usable(() => checksOf(execution)),
    toolJudges: usable(() => toolChecksOf(execution)),
    tools: toolsOf(spec),
    maxQuestions: questionsOf(metadata.annotations?.[QUESTIONS_ANNOTATION]),
    filePolicy: policyOf(security?.filesystem, mounts),
    mounts,
    modelAlias: runtime.model ?? 'default',
    modelScript: metadata.annotations?.[SCRIPT_ANNOTATION],
    temperature: runtime.temperature,
    instruction: spec.task?.instruction || metadata.description || '',
    outputHandler: executable(() => outputHandlerOf(spec)),
    bootstrapPath: bootstrapOf(spec.advanced?.bootstrap_path),
  }
}

/** How many attempts an execution makes at most. */
export function attemptsOf({ spec: { execution } }: AgentManifestDocument): number {
  if (execution === undefined) return 3
  return execution.mode === 'iterative' ? (execution.max_iterations ?? 5) : 1
}

/** The older form of validators limits the run that they judge. */
function iterationSeconds(execution: AgentManifestDocument['spec']['execution']): number {
  const { validation, iteration_timeout: written } = execution ?? {}
  const limit = seconds(written, DEFAULT_ITERATION_SECONDS, 'spec.execution.iteration_timeout')
  const system = Array.isArray(validation) ? undefined : validation?.system?.timeout_seconds
  return system === undefined || system === 0 ? limit : Math.min(limit, system)
}

/** Nothing is written where a volume is mounted read-only. */
function policyOf(policy: FilePolicy | undefined, mounts: readonly MountPlan[]): FilePolicy | undefined {
  const readOnly = mounts.filter(({ access }) => access === 'read-only')
  if (readOnly.length === 0) return policy
  return { ...policy, mounted_read_only: readOnly.map(({ components }) => shownPath(components)) }
}

function languageOf({ language, image, version }: RuntimeConfig): Interpreter {
  if (image !== undefined) {
    const name = image.split('/').at(-1)?.split(/[:@]/)[0]
    if (name === 'python') return 'python'
    // Which of the two an image has shows when it is started.
    return name === 'node' ? 'node' : 'python'
  }
  const found = interpreterOf({ language, version })
  if (typeof found === 'string') return found
  throw new NotExecutable(found.message, ['spec', 'runtime', found.field])
}

function isolationOf(asked: AgentManifestDocument['spec']['runtime']['isolation'] = 'inherit') {
  if (asked !== 'firecracker') return asked
  throw new NotExecutable(
    "spec.runtime.isolation 'firecracker': this server has no virtual machines. Use docker, or leave it out.",
  )
}

const namedTools = ({ tools = [] }: AgentManifestDocument['spec']): string[] =>
  tools.map((tool) => (typeof tool === 'string' ? tool : tool.name)).filter((name) => name !== '')

/** Those that it names. One that may work with others has all tools of swarms, or those of them that it names. */
function toolsOf(spec: AgentManifestDocument['spec']): string[] {
  const named = namedTools(spec)
  const isEnabled = spec.advanced?.swarm_enabled === true
  const first = named.findIndex(isSwarmTool)
  if (first >= 0 && !isEnabled)
    throw new NotExecutable(
      `spec.tools[${first}] '${named[first]}' takes spec.advanced.swarm_enabled: true, which this manifest does not say.`,
    )
  return isEnabled && first < 0 ? [...named, ...swarmToolNames] : named
}

/** What a plan is checked against: the tools that can be called here. */
export interface KnownTools {
  find(name: string): object | null
  list(): readonly { readonly name: string }[]
}

/**
 * The tools of a manifest are among those of this server.
 * @throws NotExecutable naming the first that is not
 */
export function requireTools({ spec }: AgentManifestDocument, known: KnownTools): void {
  for (const [index, name] of namedTools(spec).entries()) {
    if (known.find(name)) continue
    const names = known.list().map((one) => one.name)
    throw new NotExecutable(
      `Agent requested tool '${name}' but it is not available in the current node configuration. Available are ${names.join(', ')}.`,
      ['spec', 'tools', String(index)],
    )
  }
}

function questionsOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_QUESTIONS
  const value = Number(text)
  if (!/^\d{1,4}$/.test(text) || value > MOST_QUESTIONS)
    throw new NotExecutable(
      `metadata.annotations.${QUESTIONS_ANNOTATION} '${text}' is no whole number from 0 to ${MOST_QUESTIONS}.`,
    )
  return value
}

function seconds(text: string | undefined, fallback: number, field: string): number {
  if (text === undefined) return fallback
  const value = parseDuration(text)
  if (value === undefined || value <= 0)
    throw new NotExecutable(`${field} '${text}' is no duration such as 90s, 5m or 1h.`)
  return value
}

function bytes(text: string | undefined, fallback: number, field: string): number {
  if (text === undefined) return fallback
  const value = parseSize(text)
  if (value === undefined || value <= 0) throw new NotExecutable(`${field} '${text}' is no size such as 512Mi or 1Gi.`)
  return value
}

function reachable(read: () => NetworkPlan): NetworkPlan {
  try {
    return read()
  } catch (error) {
    throw error instanceof InvalidHost ? new NotExecutable(error.message, error.path) : error
  }
}

function requireFollowable(env: AgentManifestDocument['spec']['env']): void {
  try {
    requireReferences(env)
  } catch (error) {
    throw error instanceof BadReference ? new NotExecutable(error.message) : error
  }
}

function usable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof UnusableCheck) throw new NotExecutable(error.message)
    throw error
  }
}

function bootstrapOf(path: string | undefined): string | null {
  if (path === undefined) return null
  if (/^(\/[^/\0]+)+$/.test(path) && !path.split('/').some((part) => part === '..' || part === '.')) return path
  throw new NotExecutable(
    `spec.advanced.bootstrap_path '${path}' is no absolute path of a file, as the agent's sandbox sees it: /usr/local/lib/boot.mjs, /workspace/boot.py.`,
  )
}

function executable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new NotExecutable((error as Error).message)
  }
}
