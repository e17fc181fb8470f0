import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer, Element } from '../../api/types.ts'

export type Subscription = Answer<'/v1/billing/subscription', 'get'>
export type Tier = Element<Answer<'/v1/billing/prices', 'get'>['tiers']>
export type Invoice = Element<Answer<'/v1/billing/invoices', 'get'>['invoices']>

export const billingQueries = {
  /** 501 where the operator has not switched billing on. */
  subscription: () =>
    queryOptions({
      queryKey: ['billing', 'subscription'],
      queryFn: ({ signal }) => request<Subscription>('/v1/billing/subscription', { signal }),
    }),
  prices: () =>
    queryOptions({
      queryKey: ['billing', 'prices'],
      queryFn: ({ signal }) => request<{ tiers: readonly Tier[] }>('/v1/billing/prices', { signal }),
      select: ({ tiers }) => tiers,
      staleTime: 300_000,
    }),
  invoices: () =>
    queryOptions({
      queryKey: ['billing', 'invoices'],
      queryFn: ({ signal }) => request<{ invoices: readonly Invoice[] }>('/v1/billing/invoices', { signal }),
      select: ({ invoices }) => invoices,
    }),
}

export const checkOut = (body: { price_id: string; success_url: string; cancel_url: string }) =>
  request<{ url: string }>('/v1/billing/checkout', { method: 'POST', body })
export const openPortal = (return_url: string) =>
  request<{ url: string }>('/v1/billing/portal', { method: 'POST', body: { return_url } })
