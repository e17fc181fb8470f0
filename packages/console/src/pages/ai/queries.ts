import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer } from '../../api/types.ts'

export type Settings = Answer<'/api/v1/settings/ai', 'get'>
export type Usage = Answer<'/api/v1/settings/ai/usage', 'get'>
export type Tested = Answer<'/api/v1/settings/ai/test', 'post'>

/** Days of usage that are shown. */
export const DAYS = 30

export const aiQueries = {
  settings: () =>
    queryOptions({
      queryKey: ['ai', 'settings'],
      queryFn: ({ signal }) => request<Settings>('/settings/ai', { signal }),
    }),
  usage: () =>
    queryOptions({
      queryKey: ['ai', 'usage'],
      queryFn: ({ signal }) => request<Usage>('/settings/ai/usage', { query: { days: DAYS }, signal }),
    }),
}

export const PROVIDERS = [
  { value: 'anthropic', label: 'Anthropic' },
  { value: 'openai', label: 'OpenAI' },
  { value: 'openrouter', label: 'OpenRouter' },
  { value: 'ollama', label: 'Ollama, on a machine of yours' },
] as const
export type ProviderName = (typeof PROVIDERS)[number]['value']

export interface NewSettings {
  readonly provider: ProviderName
  /** Null keeps the one there is. */
  readonly api_key: string | null
  readonly model: string | null
  readonly base_url: string | null
}

export const saveSettings = (body: NewSettings) => request<unknown>('/settings/ai', { method: 'PUT', body })
export const forgetSettings = () => request<void>('/settings/ai', { method: 'DELETE' })
export const testSettings = () => request<Tested>('/settings/ai/test', { method: 'POST' })
