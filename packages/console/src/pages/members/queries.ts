import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer, Element } from '../../api/types.ts'

export type Member = Element<Answer<'/api/v1/members', 'get'>>
export type Role = Member['role']
export type Invitation = Element<Answer<'/api/v1/invitations', 'get'>>
/** The only answer that has the link. */
export type SentInvitation = Answer<'/api/v1/invitations', 'post', 201>
export type AdministrativeAct = Element<Answer<'/api/v1/administration/acts', 'get'>>

/** Acts that are read at once. */
export const ACTS_PAGE = 50

export const memberQueries = {
  all: () =>
    queryOptions({
      queryKey: ['members'],
      queryFn: ({ signal }) => request<readonly Member[]>('/members', { signal }),
    }),
  invitations: () =>
    queryOptions({
      queryKey: ['invitations'],
      queryFn: ({ signal }) => request<readonly Invitation[]>('/invitations', { signal }),
    }),
  acts: (before: string | undefined) =>
    queryOptions({
      queryKey: ['acts', before],
      queryFn: ({ signal }) =>
        request<readonly AdministrativeAct[]>('/administration/acts', { query: { limit: ACTS_PAGE, before }, signal }),
    }),
}

const one = (id: string) => `/members/${encodeURIComponent(id)}`

export const setRole = ({ id, role }: { id: string; role: Role }) =>
  request<Member>(one(id), { method: 'PUT', body: { role } })
export const removeMember = (id: string) => request<void>(one(id), { method: 'DELETE' })
export const linkForPassword = (id: string) =>
  request<{ link: string }>(`${one(id)}/password-reset`, { method: 'POST' })
export const removeSecondFactor = (id: string) => request<void>(`${one(id)}/second-factor`, { method: 'DELETE' })
export const invite = (body: { email: string; role: Role }) =>
  request<SentInvitation>('/invitations', { method: 'POST', body })
export const takeBack = (id: string) => request<void>(`/invitations/${encodeURIComponent(id)}`, { method: 'DELETE' })
