import { dirname, resolve } from 'node:path'
import { type BackOff, pauseAfter } from '@lictor/wire'
import type { Config } from '../../config.ts'
import type { Clock } from '../../ports/clock.ts'
import { type Model, type ModelAnswer, ModelError, type ModelPorts, type ModelRequest } from '../../ports/model.ts'
import { createDeadline } from './deadline.ts'
import { noOffers, type Offer, type Offers, ordered, type Provider, providers } from './offers.ts'

const ATTEMPTS = 4
const backOff: BackOff = { firstMs: 1_000, longestMs: 60_000 }
const MAX_TOKENS = 8192
const TEMPERATURE = 0.4
const DEFAULT_ANTHROPIC_MODEL = 'claude-sonnet-4-5'
const DEFAULT_GEMINI_MODEL = 'gemini-2.5-flash'
/** Names for "whatever is configured"; manifests of other installations use them. */
const aliases = new Set(['default', 'fast', 'smart', 'cheap', 'local'])
/** How much the newest turn counts in what is remembered of a model's time. */
const NEWEST = 0.3

export interface TurnRequest extends Pick<ModelRequest, 'messages' | 'tools' | 'signal' | 'agent'> {
  /** `spec.runtime.model`. */
  readonly alias: string
  /** Turns of the manifest's own, for the alias `scripted`. */
  readonly script: string | undefined
  readonly temperature: number | undefined
  /** Milliseconds until something of the answer comes, retries included, and between its pieces. */
  readonly limit: number
  /** Milliseconds the whole turn may take, however lively; unlimited when left out. */
  readonly longest?: number
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
  /** Another model was asked when the attempts had failed, and failed as well; `error` is that of the first. */
  readonly isFallbackTried: boolean
  constructor(
    error: ModelError,
    told: { provider: string; model: string; attempts: number; elapsedMs: number; isFallbackTried: boolean },
  ) {
    super(error.message, { cause: error })
    this.error = error
    this.provider = told.provider
    this.model = told.model
    this.attempts = told.attempts
    this.elapsedMs = told.elapsedMs
    this.isFallbackTried = told.isFallbackTried
  }
}

/** The configured models by alias, with retries, a fallback and a limit on each turn. */
export interface Models {
  /** @throws TurnFailed; the signal's reason when it fires. */
  turn(request: TurnRequest): Promise<Turn>
}

interface Choice {
  readonly provider: string
  readonly model: string
  readonly port: Model
  readonly temperature?: number | undefined
  readonly maxTokens?: number | undefined
}

type ModelConfig = Pick<
  Config,
  'modelBaseUrl' | 'modelName' | 'anthropicApiKey' | 'geminiApiKey' | 'ollamaUrl' | 'modelScript'
>

/** @param deps.offers what the operator's list of models says; without one, models are chosen by what is configured */
export function createModels(deps: { config: ModelConfig; clock: Clock; ports: ModelPorts; offers?: Offers }): Models {
  const { config, clock, ports, offers = noOffers } = deps
  /** Milliseconds of a turn, by provider and model, newer ones counting more. */
  const latencies = new Map<string, number>()

  /** Each provider: how a model of it is asked, and what to set before that can be. */
  const access: Readonly<Record<Provider, { isSet: boolean; setting: string; open: (model: string) => Choice }>> = {
    openai: openAi('openai'),
    'openai-compatible': openAi('openai-compatible'),
    ollama: {
      isSet: config.ollamaUrl !== '',
      setting: 'LICTOR_OLLAMA_URL',
      open: (model) => ({ provider: 'ollama', model, port: ports.ollama() }),
    },
    anthropic: {
      isSet: config.anthropicApiKey !== '',
      setting: 'ANTHROPIC_API_KEY',
      open: (model) => ({ provider: 'anthropic', model, port: ports.anthropic() }),
    },
    gemini: {
      isSet: config.geminiApiKey !== '',
      setting: 'GEMINI_API_KEY',
      open: (model) => ({ provider: 'gemini', model, port: ports.gemini() }),
    },
    scripted: {
      isSet: config.modelScript !== '',
      setting: 'LICTOR_MODEL_SCRIPT',
      open: (model) => ({ provider: 'scripted', model: scriptPath(model), port: ports.scripted() }),
    },
  }

  function openAi(name: 'openai' | 'openai-compatible') {
    return {
      isSet: config.modelBaseUrl !== '',
      setting: 'LICTOR_MODEL_BASE_URL',
      open: (model: string): Choice => ({
        provider: name === 'openai' ? 'openai-compatible' : name,
        model,
        port: ports.openAiCompatible(),
      }),
    }
  }

  /** The operator's alias, `<provider>:<model>`, a usual alias, or a provider's own name for a model of the usual provider. */
  function choose(alias: string, script: string | undefined): Choice {
    if (alias === 'scripted' && script !== undefined)
      return { provider: 'scripted', model: 'of the manifest', port: ports.scripted(async () => script) }
    return offered(alias) ?? named(alias) ?? usual(alias)
  }

  function offered(alias: string): Choice | null {
    const all = offers.list.filter((offer) => offer.aliases.includes(alias))
    if (all.length === 0) return null
    const [first] = ordered(
      all.filter(({ provider }) => access[provider].isSet),
      offers.strategy,
      (offer) => latencies.get(keyOf(openOffer(offer))) ?? null,
    )
    if (first) return openOffer(first)
    const settings = [...new Set(all.map(({ provider }) => access[provider].setting))]
    throw new ModelError(
      'model_not_found',
      `LICTOR_MODELS offers '${alias}' from providers that are not configured. Set ${settings.join(' or ')}.`,
    )
  }

  function openOffer({ provider, model, temperature, maxTokens }: Offer): Choice {
    return { ...access[provider].open(model), temperature, maxTokens }
  }

  function named(alias: string): Choice | null {
    const [prefix, ...rest] = alias.split(':')
    const model = rest.join(':')
    const provider = providers.find((one) => one === prefix)
    if (provider === undefined) return null
    if (provider === 'scripted') return access.scripted.open(model)
    // A name such as `openai:…` may also be that of a model of the usual provider.
    return model !== '' && access[provider].isSet ? access[provider].open(model) : null
  }

  function usual(alias: string): Choice {
    const name = aliases.has(alias) ? '' : alias
    if (access.scripted.isSet) return access.scripted.open('')
    if (access['openai-compatible'].isSet) {
      const model = name || config.modelName
      if (model) return access['openai-compatible'].open(model)
      throw new ModelError('model_not_found', 'LICTOR_MODEL_BASE_URL is set, but not LICTOR_MODEL_NAME.')
    }
    if (access.anthropic.isSet) return access.anthropic.open(name || config.modelName || DEFAULT_ANTHROPIC_MODEL)
    if (access.gemini.isSet) return access.gemini.open(name || config.modelName || DEFAULT_GEMINI_MODEL)
    if (access.ollama.isSet) {
      const model = name || config.modelName
      if (model) return access.ollama.open(model)
      throw new ModelError('model_not_found', 'LICTOR_OLLAMA_URL is set, but not LICTOR_MODEL_NAME.')
    }
    throw new ModelError(
      'model_not_found',
      `No model is configured for '${alias}'. Set LICTOR_MODEL_BASE_URL and LICTOR_MODEL_NAME, or ANTHROPIC_API_KEY, or GEMINI_API_KEY, or LICTOR_OLLAMA_URL, or LICTOR_MODEL_SCRIPT.`,
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

  /** What is asked when all attempts have failed; null when that is nothing, or the same again. */
  function fallbackFor(failed: Choice, error: unknown): Choice | null {
    if (offers.fallback === null || !(error instanceof ModelError) || !error.isRetryable) return null
    const choice = choose(offers.fallback, undefined)
    return keyOf(choice) === keyOf(failed) ? null : choice
  }

  return {
    async turn(request) {
      const started = clock.now()
      const deadline = createDeadline(clock, request.limit, request.longest)
      const signal = AbortSignal.any([request.signal, deadline.signal])
      let choice: Choice | null = null
      let attempt = 0
      let isFallbackTried = false

      async function ask(of: Choice, number: number): Promise<Turn> {
        const began = clock.now()
        const answer = await orAborted(
          signal,
          of.port.generate({
            model: of.model,
            messages: request.messages,
            tools: request.tools,
            temperature: request.temperature ?? of.temperature ?? TEMPERATURE,
            maxTokens: of.maxTokens ?? MAX_TOKENS,
            signal,
            agent: request.agent,
            attempt: number,
            onProgress: deadline.progress,
          }),
        )
        const before = latencies.get(keyOf(of))
        const took = clock.now() - began
        latencies.set(keyOf(of), before === undefined ? took : before + NEWEST * (took - before))
        return { ...answer, provider: of.provider, model: of.model }
      }

      async function askAgainAndAgain(of: Choice): Promise<Turn> {
        for (;;) {
          attempt++
          try {
            return await ask(of, attempt)
          } catch (error) {
            if (!(error instanceof ModelError) || !error.isRetryable || attempt >= ATTEMPTS || signal.aborted)
              throw error
            const wait = Math.max(pauseAfter(attempt, backOff), error.retryAfterMs ?? 0)
            // Who asks for more time than there is would only be asked in vain.
            if (clock.now() + wait >= deadline.at()) throw error
            await orAborted(signal, after(clock, wait))
          }
        }
      }

      try {
        choice = choose(request.alias, request.script)
        try {
          return await askAgainAndAgain(choice)
        } catch (error) {
          const fallback = signal.aborted ? null : fallbackFor(choice, error)
          if (!fallback) throw error
          isFallbackTried = true
          // What is told is why the model failed that the agent asked for.
          return await ask(fallback, 1).catch(() => Promise.reject(error))
        }
      } catch (error) {
        if (request.signal.aborted) throw request.signal.reason
        const failure = deadline.signal.aborted
          ? (deadline.signal.reason as ModelError)
          : error instanceof ModelError
            ? error
            : new ModelError('provider', 'The model adapter failed.', error)
        throw new TurnFailed(failure, {
          provider: choice?.provider ?? 'none',
          model: choice?.model ?? request.alias,
          attempts: Math.max(attempt, 1),
          elapsedMs: clock.now() - started,
          isFallbackTried,
        })
      } finally {
        deadline.cancel()
      }
    },
  }
}

const keyOf = ({ provider, model }: Choice): string => `${provider}:${model}`

const after = (clock: Clock, milliseconds: number): Promise<void> =>
  new Promise((resolve) => void clock.after(milliseconds, resolve))

/** What a promise brings, unless the signal fires first: also for providers that do not heed it. */
function orAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    // What it comes to is heard in any case: nobody else does, once the signal has fired.
    if (signal.aborted) reject(signal.reason)
    const giveUp = () => reject(signal.reason)
    signal.addEventListener('abort', giveUp, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
  })
}
