import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer, Element, Environment } from '../../api/types.ts'

export type CompositionSummary = Element<Answer<'/api/v1/compositions', 'get'>>
export type Composition = Answer<'/api/v1/compositions/{name}', 'get'>
export type Item = Element<Composition['contracts']>
export type Preview = Answer<'/api/v1/compositions/{name}/preview', 'post'>
export type Deployed = Answer<'/api/v1/compositions/{name}/deploy', 'post', 201>
export type Promoted = Answer<'/api/v1/compositions/{name}/promote', 'post'>

export type Mode = 'enforce' | 'observe'
export type Strategy = 'manual' | 'auto_deploy' | 'observe_first'

export interface Settings {
  readonly description: string | null
  readonly defaults_mode: Mode
  readonly update_strategy: Strategy
  readonly contracts: readonly {
    readonly contract_id: string
    readonly position: number
    readonly mode_override: Mode | null
    readonly enabled: boolean
  }[]
}

const pathOf = (name: string) => `/compositions/${encodeURIComponent(name)}`

export const compositionQueries = {
  all: () =>
    queryOptions({
      queryKey: ['compositions'],
      queryFn: ({ signal }) => request<readonly CompositionSummary[]>('/compositions', { signal }),
    }),
  one: (name: string) =>
    queryOptions({
      queryKey: ['compositions', name],
      queryFn: ({ signal }) => request<Composition>(pathOf(name), { signal }),
    }),
  /** What it would be as a bundle, as it is kept. */
  preview: (name: string) =>
    queryOptions({
      queryKey: ['compositions', name, 'preview'],
      queryFn: ({ signal }) => request<Preview>(`${pathOf(name)}/preview`, { method: 'POST', signal }),
    }),
}

export const createComposition = (name: string) =>
  request<Composition>('/compositions', { method: 'POST', body: { name } })
export const saveComposition = (name: string, settings: Settings) =>
  request<Composition>(pathOf(name), { method: 'PUT', body: settings })
export const deleteComposition = (name: string) => request<void>(pathOf(name), { method: 'DELETE' })
export const deployComposition = (name: string, env: Environment) =>
  request<Deployed>(`${pathOf(name)}/deploy`, { method: 'POST', body: { env } })
export const promote = (name: string, contractId: string) =>
  request<Promoted>(`${pathOf(name)}/promote`, { method: 'POST', body: { contract_id: contractId } })
