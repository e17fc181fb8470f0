import { dirname, resolve } from 'node:path'
import type { Config } from '../../config.ts'
import type { Clock } from '../../ports/clock.ts'
import { type Model, type ModelAnswer, ModelError, type ModelPorts, type ModelRequest } from '../../ports/model.ts'

const ATTEMPTS = 4
const FIRST_DELAY_MS = 1000
const MAX_TOKENS = 8192
const TEMPERATURE = 0.4
const DEFAULT_ANTHROPIC_MODEL = 'claude-sonnet-4-5'
/** Names for "whatever is configured"; manifests of other installations use them. */
const aliases = new Set(['default', 'fast', 'smart', 'cheap', 'local'])

export interface TurnRequest extends Pick<ModelRequest, 'messages' | 'tools' | 'signal' | 'agent'> {
  /** `spec.runtime.model`. */
  readonly alias: string
  /** Turns of the manifest's own, for the alias `scripted`. */
  readonly script: string | undefined
  readonly temperature: number | undefined
  /** Milliseconds this turn may take, retries included. */
  readonly limit: number
}

export interface Turn extends ModelAnswer {
  readonly provider: string
  readonly model: string
}

/** A turn that failed for good, with what was tried. */
export class TurnFailed extends Error {
  override readonly name = 'TurnFailed'
  readonly error: ModelError
  readonly provider: string
  readonly model: string
  readonly attempts: number
  readonly elapsedMs: number
  constructor(error: ModelError, told: { provider: string; model: string; attempts: number; elapsedMs: number }) {
    super(error.message, { cause: error })
    this.error = error
    this.provider = told.provider
    this.model = told.model
    this.attempts = told.attempts
    this.elapsedMs = told.elapsedMs
  }
}

/** The configured models by alias, with retries and a limit on each turn (aegis-runtime §17). */
export interface Models {
  /** @throws TurnFailed; the signal's reason when it fires. */
  turn(request: TurnRequest): Promise<Turn>
}

interface Choice {
  readonly provider: string
  readonly model: string
  readonly port: Model
}

type ModelConfig = Pick<Config, 'modelBaseUrl' | 'modelName' | 'anthropicApiKey' | 'modelScript'>

export function models(deps: { config: ModelConfig; clock: Clock; ports: ModelPorts }): Models {
  const { config, clock, ports } = deps

  /** `<provider>:<model>`, an alias, or the provider's own name for a model of the default provider. */
  function choose(alias: string, script: string | undefined): Choice {
    const [prefix, ...rest] = alias.split(':')
    const named = rest.join(':')
    if (alias === 'scripted' && script !== undefined)
      return {
        provider: 'scripted',
        model: 'of the manifest',
        port: ports.scripted(async () => script),
      }
    if (prefix === 'scripted') return { provider: 'scripted', model: scriptPath(named), port: ports.scripted() }
    if (prefix === 'anthropic' && named && config.anthropicApiKey)
      return { provider: 'anthropic', model: named, port: ports.anthropic() }
    if (prefix === 'openai' && named && config.modelBaseUrl)
      return { provider: 'openai-compatible', model: named, port: ports.openAiCompatible() }
    const name = aliases.has(alias) ? '' : alias
    if (config.modelScript) return { provider: 'scripted', model: resolve(config.modelScript), port: ports.scripted() }
    if (config.modelBaseUrl) {
      const model = name || config.modelName
      if (model) return { provider: 'openai-compatible', model, port: ports.openAiCompatible() }
      throw new ModelError('model_not_found', 'LICTOR_MODEL_BASE_URL is set, but not LICTOR_MODEL_NAME.')
    }
    if (config.anthropicApiKey)
      return {
        provider: 'anthropic',
        model: name || config.modelName || DEFAULT_ANTHROPIC_MODEL,
        port: ports.anthropic(),
      }
    throw new ModelError(
      'model_not_found',
      `No model is configured for '${alias}'. Set LICTOR_MODEL_BASE_URL and LICTOR_MODEL_NAME, or ANTHROPIC_API_KEY, or LICTOR_MODEL_SCRIPT.`,
    )
  }

  /** A script is named by who runs the server, or lies beside the one that is. */
  function scriptPath(name: string): string {
    if (!config.modelScript)
      throw new ModelError('model_not_found', 'Scripted models are off. Set LICTOR_MODEL_SCRIPT to allow them.')
    if (!name) return resolve(config.modelScript)
    if (!/^[\w.-]+$/.test(name) || name.startsWith('.'))
      throw new ModelError('model_not_found', `'scripted:${name}' must name a file beside LICTOR_MODEL_SCRIPT.`)
    return resolve(dirname(config.modelScript), name)
  }

  return {
    async turn(request) {
      const started = clock.now()
      const timeout = new AbortController()
      const cancel = clock.after(request.limit, () =>
        timeout.abort(new ModelError('timeout', `upstream timeout after ${Math.round(request.limit / 1000)}s`)),
      )
      const signal = AbortSignal.any([request.signal, timeout.signal])
      let choice: Choice | null = null
      let attempt = 0
      try {
        choice = choose(request.alias, request.script)
        for (;;) {
          attempt++
          try {
            const answer = await orAborted(
              signal,
              choice.port.generate({
                model: choice.model,
                messages: request.messages,
                tools: request.tools,
                temperature: request.temperature ?? TEMPERATURE,
                maxTokens: MAX_TOKENS,
                signal,
                agent: request.agent,
                attempt,
              }),
            )
            return { ...answer, provider: choice.provider, model: choice.model }
          } catch (error) {
            if (!(error instanceof ModelError) || !error.isRetryable || attempt >= ATTEMPTS || signal.aborted)
              throw error
            await orAborted(signal, after(clock, FIRST_DELAY_MS * 2 ** (attempt - 1)))
          }
        }
      } catch (error) {
        if (request.signal.aborted) throw request.signal.reason
        const failure = timeout.signal.aborted
          ? (timeout.signal.reason as ModelError)
          : error instanceof ModelError
            ? error
            : new ModelError('provider', 'The model adapter failed.', error)
        throw new TurnFailed(failure, {
          provider: choice?.provider ?? 'none',
          model: choice?.model ?? request.alias,
          attempts: Math.max(attempt, 1),
          elapsedMs: clock.now() - started,
        })
      } finally {
        cancel()
      }
    },
  }
}

const after = (clock: Clock, milliseconds: number): Promise<void> =>
  new Promise((resolve) => void clock.after(milliseconds, resolve))

/** What a promise brings, unless the signal fires first: also for providers that do not heed it. */
function orAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason)
    signal.addEventListener('abort', giveUp, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
  })
}
