import type { ChatProvider } from '../../ports/chat-model.ts'

export interface Provider {
  readonly label: string
  readonly defaultModel: string
  readonly needsKey: boolean
  /** Without tools it answers with text only. */
  readonly hasTools: boolean
  /** Stands before the model's id in the public price list; null where use costs nothing that is listed. */
  readonly pricePrefix: string | null
}

export const providers: Readonly<Record<ChatProvider, Provider>> = {
  anthropic: {
    label: 'Anthropic',
    defaultModel: 'claude-haiku-4-5-20251001',
    needsKey: true,
    hasTools: true,
    pricePrefix: 'anthropic/',
  },
  openai: { label: 'OpenAI', defaultModel: 'gpt-5-mini', needsKey: true, hasTools: true, pricePrefix: 'openai/' },
  openrouter: {
    label: 'OpenRouter',
    defaultModel: 'qwen/qwen3-4b:free',
    needsKey: true,
    hasTools: true,
    pricePrefix: '',
  },
  ollama: { label: 'Ollama', defaultModel: 'llama3', needsKey: false, hasTools: false, pricePrefix: null },
}
