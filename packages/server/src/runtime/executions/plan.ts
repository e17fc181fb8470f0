import { type AgentManifestDocument, parseDuration, parseSize, type Validator } from '@lictor/aegis'
import type { Network } from '../../ports/sandbox.ts'
import type { FilePolicy } from '../tools/file-policy.ts'
import { requireRunnable, validatorsOf } from '../validation/validators.ts'

/** What a manifest asks of the runtime, in plain numbers. */
export interface ExecutionPlan {
  readonly language: 'node' | 'python'
  readonly maxIterations: number
  /** Milliseconds of the whole execution, and of one iteration. */
  readonly limit: number
  readonly iterationLimit: number
  /** Seconds a model turn may take at most. */
  readonly llmTimeoutSeconds: number
  readonly network: Network
  /** The manifest demands that nothing but the gateway is reached. */
  readonly demandsIsolation: boolean
  /** Bytes. */
  readonly memory: number
  readonly disk: number
  readonly validators: readonly Validator[]
  readonly tools: readonly string[]
  readonly filePolicy: FilePolicy | undefined
  readonly modelAlias: string
  /** Turns for the scripted model, carried by the manifest itself. */
  readonly modelScript: string | undefined
  readonly temperature: number | undefined
  readonly instruction: string
}

/** With `spec.runtime.model: scripted`, a manifest may carry the model's turns: demonstrations and tests that need no account. */
const SCRIPT_ANNOTATION = 'lictor.dev/script'

/** Why this server cannot execute a manifest that is valid in itself. */
export class NotExecutable extends Error {
  override readonly name = 'NotExecutable'
}

const DEFAULT_LIMIT_SECONDS = 1800
const DEFAULT_ITERATION_SECONDS = 600
const DEFAULT_LLM_SECONDS = 300
const DEFAULT_MEMORY = 512 * 1024 ** 2
const DEFAULT_DISK = 1024 ** 3

/** @throws NotExecutable naming the field */
export function planOf({ spec, metadata }: AgentManifestDocument): ExecutionPlan {
  const { execution, security, runtime } = spec
  const resources = security?.resources
  return {
    language: languageOf(runtime),
    maxIterations: execution === undefined ? 3 : execution.mode === 'iterative' ? (execution.max_iterations ?? 5) : 1,
    limit: seconds(resources?.timeout, DEFAULT_LIMIT_SECONDS, 'spec.security.resources.timeout') * 1000,
    iterationLimit:
      seconds(execution?.iteration_timeout, DEFAULT_ITERATION_SECONDS, 'spec.execution.iteration_timeout') * 1000,
    llmTimeoutSeconds: execution?.llm_timeout_seconds ?? DEFAULT_LLM_SECONDS,
    network: security?.network?.mode !== 'none' && security?.network?.allowlist?.includes('*') ? 'open' : 'gateway',
    demandsIsolation: security?.network?.mode === 'none',
    memory: bytes(resources?.memory, DEFAULT_MEMORY, 'spec.security.resources.memory'),
    disk: bytes(resources?.disk, DEFAULT_DISK, 'spec.security.resources.disk'),
    validators: runnable(() => validatorsOf(execution)),
    tools: (spec.tools ?? [])
      .map((tool) => (typeof tool === 'string' ? tool : tool.name))
      .filter((name) => name !== ''),
    filePolicy: security?.filesystem,
    modelAlias: runtime.model ?? 'default',
    modelScript: metadata.annotations?.[SCRIPT_ANNOTATION],
    temperature: runtime.temperature,
    instruction: spec.task?.instruction || metadata.description || '',
  }
}

function languageOf({ language, image, version }: AgentManifestDocument['spec']['runtime']): 'node' | 'python' {
  if (image !== undefined) {
    const name = image.split('/').at(-1)?.split(/[:@]/)[0]
    if (name === 'python') return 'python'
    if (name === 'node') return 'node'
    throw new NotExecutable(
      `spec.runtime.image '${image}' cannot be run here: the embedded sandbox has no images. Use spec.runtime.language and version, or an image of python or node.`,
    )
  }
  switch (language) {
    case 'python':
      if (version && !/^3(\.\d+)*$/.test(version))
        throw new NotExecutable(`spec.runtime.version: python ${version} is not available; use 3.9 or later.`)
      return 'python'
    case 'javascript':
    case 'typescript':
    case 'rust':
    case 'go':
      return 'node'
    default:
      throw new NotExecutable(
        `spec.runtime.language '${language}' is not available. Use python, javascript, typescript, rust or go.`,
      )
  }
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

function runnable(read: () => readonly Validator[]): readonly Validator[] {
  try {
    const validators = read()
    requireRunnable(validators)
    return validators
  } catch (error) {
    throw new NotExecutable((error as Error).message)
  }
}
