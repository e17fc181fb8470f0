import { type QueryClient, queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer, Element } from '../../api/types.ts'
import type { ContractType } from './route.ts'

export type LibrarySummary = Element<Answer<'/api/v1/contracts', 'get'>>
export type LibraryContract = Answer<'/api/v1/contracts/{contract_id}', 'get'>
export type Use = Element<Answer<'/api/v1/contracts/{contract_id}/usage', 'get'>>
export type SavedContract = Answer<'/api/v1/contracts/{contract_id}', 'put'>
export type Imported = Answer<'/api/v1/contracts/import', 'post', 201>

const pathOf = (id: string) => `/contracts/${encodeURIComponent(id)}`

export const libraryQueries = {
  all: () =>
    queryOptions({
      queryKey: ['library'],
      queryFn: ({ signal }) => request<readonly LibrarySummary[]>('/contracts', { signal }),
    }),
  one: (id: string) =>
    queryOptions({
      queryKey: ['library', id],
      queryFn: ({ signal }) => request<LibraryContract>(pathOf(id), { signal }),
    }),
  version: (id: string, version: number) =>
    queryOptions({
      queryKey: ['library', id, version],
      queryFn: ({ signal }) => request<LibraryContract>(`${pathOf(id)}/versions/${version}`, { signal }),
    }),
  /** The text of a version; what writes it comes in its own chunk. */
  text: (contract: LibraryContract | undefined) =>
    queryOptions({
      queryKey: ['library-text', contract?.contract_id, contract?.version, contract?.id],
      queryFn: async () => (await import('./text.ts')).textOf(contract?.definition ?? {}),
      enabled: contract !== undefined,
      staleTime: Number.POSITIVE_INFINITY,
    }),
  uses: (id: string) =>
    queryOptions({
      queryKey: ['library', id, 'uses'],
      queryFn: ({ signal }) => request<readonly Use[]>(`${pathOf(id)}/usage`, { signal }),
    }),
}

/** A contract as a person writes it. */
export interface Written {
  readonly name: string
  readonly description: string | null
  readonly tags: readonly string[]
  readonly definition: Readonly<Record<string, unknown>>
}

export const createContract = (contract: Written & { contract_id: string; type: ContractType }) =>
  request<LibraryContract>('/contracts', { method: 'POST', body: contract })
export const saveContract = (id: string, contract: Written) =>
  request<SavedContract>(pathOf(id), { method: 'PUT', body: contract })
export const deleteContract = (id: string) => request<void>(pathOf(id), { method: 'DELETE' })
export const importBundle = (yaml: string) =>
  request<Imported>('/contracts/import', { method: 'POST', body: { yaml_content: yaml } })

/** Of compositions too: they may have taken up a change. */
export const forgetLibrary = (client: QueryClient) =>
  Promise.all(['library', 'compositions', 'bundles'].map((name) => client.invalidateQueries({ queryKey: [name] })))
