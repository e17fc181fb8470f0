import type { ModelMessage, ModelTool, ModelToolCall } from './model.ts'

/** Who may serve the assistant. */
export const chatProviders = ['anthropic', 'openai', 'openrouter', 'ollama'] as const
export type ChatProvider = (typeof chatProviders)[number]

/** What one round with a model brings, as it comes. */
export type ChatPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'call'; readonly call: ModelToolCall }
  /** Once, at the end of the round; 0 where the provider does not count. */
  | { readonly kind: 'usage'; readonly inputTokens: number; readonly outputTokens: number }

export interface ChatRequest {
  readonly messages: readonly ModelMessage[]
  /** Empty: the model can only answer with text. */
  readonly tools: readonly ModelTool[]
  readonly maxTokens: number
  /** No thinking before a short answer, where that can be said. */
  readonly isBrief: boolean
  readonly signal: AbortSignal
}

export interface ChatModel {
  /**
   * One round of a conversation. Ends when the model has ended its turn.
   * @throws ChatFailed; the signal's reason when the caller gave up.
   */
  stream(request: ChatRequest): AsyncIterable<ChatPart>
}

/** What a tenant's settings say of its model, the key in clear. */
export interface ChatSettings {
  readonly provider: ChatProvider
  /** What people call it. */
  readonly label: string
  /** Empty when there is none. Told to nobody, not even where it is not sent. */
  readonly apiKey: string
  readonly isKeySent: boolean
  readonly model: string
  readonly baseUrl: string | null
}

export type OpenChatModel = (settings: ChatSettings) => ChatModel

/** The provider cannot be reached, refuses, or sends what cannot be understood. */
export class ChatFailed extends Error {
  override readonly name = 'ChatFailed'
  readonly code = 'ai_provider'
}
