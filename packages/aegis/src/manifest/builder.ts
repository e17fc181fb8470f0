import { AgentManifest } from './manifest.ts'
import {
  AGENT_API_VERSION,
  type AgentManifestDocument,
  type AgentSpec,
  type ExecutionStrategy,
  type ImagePullPolicy,
  type ManifestMetadata,
} from './types.ts'

/**
 * Builds a manifest step by step:
 *
 * ```ts
 * const manifest = new AgentManifestBuilder('code-reviewer', 'python', '3.12')
 *   .withInstruction('Review the code in /workspace.')
 *   .withTool('fs.read')
 *   .build()
 * ```
 *
 * Name either a language with its version or an image.
 */
export class AgentManifestBuilder {
  readonly #metadata: ManifestMetadata
  readonly #spec: AgentSpec

  constructor(name: string, language?: string, version?: string, image?: string) {
    this.#metadata = { name, version: '1.0.0' }
    this.#spec = {
      runtime: {
        ...(language !== undefined && { language }),
        ...(version !== undefined && { version }),
        ...(image !== undefined && { image }),
      },
    }
  }

  /** The agent's own version; starts as `1.0.0`. */
  withManifestVersion(version: string): this {
    this.#metadata.version = version
    return this
  }

  withDescription(description: string): this {
    this.#metadata.description = description
    return this
  }

  withLabel(key: string, value: string): this {
    this.#metadata.labels = Object.fromEntries([...Object.entries(this.#metadata.labels ?? {}), [key, value]])
    return this
  }

  withInstruction(instruction: string): this {
    this.#spec.task = { ...this.#spec.task, instruction }
    return this
  }

  /** @param maxIterations attempts of an `iterative` agent, 1 to 255 */
  withExecutionMode(mode: NonNullable<ExecutionStrategy['mode']>, maxIterations = 10): this {
    this.#spec.execution = { ...this.#spec.execution, mode, max_iterations: maxIterations }
    return this
  }

  /** Use a custom image instead of a language and its version. */
  withImage(image: string): this {
    const { language: _language, version: _version, ...rest } = this.#spec.runtime
    this.#spec.runtime = { ...rest, image }
    return this
  }

  withImagePullPolicy(policy: ImagePullPolicy): this {
    this.#spec.runtime.image_pull_policy = policy
    return this
  }

  /** Path of the agent's own bootstrap script inside the image. */
  withBootstrapPath(path: string): this {
    this.#spec.advanced = { ...this.#spec.advanced, bootstrap_path: path }
    return this
  }

  /** The host names the agent may reach, and no others. Replaces what was allowed before. */
  withNetworkAllow(domains: readonly string[]): this {
    const { network, ...rest } = this.#spec.security ?? {}
    this.#spec.security = { network: { ...network, mode: 'allow', allowlist: [...domains] }, ...rest }
    return this
  }

  /** Add one tool. */
  withTool(tool: string): this {
    this.#spec.tools = [...(this.#spec.tools ?? []), tool]
    return this
  }

  withEnv(key: string, value: string): this {
    this.#spec.env = Object.fromEntries([...Object.entries(this.#spec.env ?? {}), [key, value]])
    return this
  }

  /**
   * The manifest, checked. Without `withInstruction` it builds but cannot be deployed.
   *
   * @throws ManifestError
   */
  build(): AgentManifest {
    const { runtime, task, execution, security, tools, env, advanced } = this.#spec
    const document: AgentManifestDocument = {
      apiVersion: AGENT_API_VERSION,
      kind: 'Agent',
      metadata: this.#metadata,
      spec: {
        runtime,
        ...(task && { task }),
        ...(execution && { execution }),
        ...(security && { security }),
        ...(tools && { tools }),
        ...(env && { env }),
        ...(advanced && { advanced }),
      },
    }
    return AgentManifest.from(structuredClone(document), { deployable: false })
  }
}
