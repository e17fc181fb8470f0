/** A language model that may ask for tools. One call is one turn; the conversation is the caller's. */
export interface Model {
  /** @throws ModelError; or the signal's reason when the caller gave up. */
  generate(request: ModelRequest): Promise<ModelAnswer>
}

/** The models the operator configured, by the protocol they speak. */
export interface ModelPorts {
  openAiCompatible(): Model
  anthropic(): Model
  gemini(): Model
  ollama(): Model
  /** Plays the file a request names as its model, or what `load` gives for that name. */
  scripted(load?: (path: string) => Promise<string>): Model
}

/** One message of a conversation, in the form it is stored and sent back to bootstraps. */
export type ModelMessage =
  | { readonly role: 'system' | 'user'; readonly content: string }
  | { readonly role: 'assistant'; readonly content: string; readonly tool_calls?: readonly ModelToolCall[] }
  | { readonly role: 'tool'; readonly tool_call_id: string; readonly name: string; readonly content: string }

export interface ModelToolCall {
  readonly id: string
  readonly name: string
  /** JSON value; a text when what the model sent is no JSON. */
  readonly arguments: unknown
}

export interface ModelTool {
  readonly name: string
  readonly description: string
  /** JSON Schema of an object. */
  readonly schema: object
}

export interface ModelRequest {
  /** The provider's name for the model. */
  readonly model: string
  readonly messages: readonly ModelMessage[]
  readonly tools: readonly ModelTool[]
  /** 0 to 2. */
  readonly temperature: number
  readonly maxTokens: number
  readonly signal: AbortSignal
  /** Which agent asks. */
  readonly agent: string
  /** From 1; above 1 the same turn is asked again after an error. */
  readonly attempt: number
  /** Called whenever a piece of the answer has come. */
  readonly onProgress?: () => void
}

export interface ModelAnswer {
  readonly text: string
  /** Empty: the text is final. */
  readonly toolCalls: readonly ModelToolCall[]
  /** The answer ended at the length limit: its last part, be it text or a call, is incomplete. */
  readonly isCutOff: boolean
  readonly inputTokens: number | null
  readonly outputTokens: number | null
}

export type ModelErrorClass =
  | 'authentication'
  | 'rate_limit'
  | 'model_not_found'
  | 'invalid_input'
  | 'service_unavailable'
  | 'network'
  | 'provider'
  | 'timeout'

const retried = new Set<ModelErrorClass>(['rate_limit', 'service_unavailable', 'network', 'provider'])

/** A turn that failed. The message holds no key and no header. */
export class ModelError extends Error {
  override readonly name = 'ModelError'
  readonly errorClass: ModelErrorClass
  /** How long the provider asks to wait before the next try; null when it does not say. */
  readonly retryAfterMs: number | null
  constructor(errorClass: ModelErrorClass, message: string, cause?: unknown, retryAfterMs: number | null = null) {
    super(message, cause === undefined ? undefined : { cause })
    this.errorClass = errorClass
    this.retryAfterMs = retryAfterMs
  }
  /** Whether asking again may help. */
  get isRetryable(): boolean {
    return retried.has(this.errorClass)
  }
}
