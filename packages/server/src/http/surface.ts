import type { FastifyRequest } from 'fastify'

/** `console`: `/api`, its errors say `detail`. `runtime`: `/v1`, tokens and dispatch, whose errors say `error` and `message`. */
export type Surface = 'console' | 'runtime' | 'pages'

/**
 * The route that took the request, as it was declared. What is decided about a request is decided by this: its own address
 * may be spelled in many ways (percent-encoded, absolute) that reach the same route. Where no route took it, the address as
 * one would read it, which only chooses the shape of a 404.
 */
export function routeOf(request: FastifyRequest): string {
  return (request.is404 ? undefined : request.routeOptions.url) ?? readablePath(request.url)
}

export function surfaceOf(route: string): Surface {
  if (route === '/api' || route.startsWith('/api/')) return 'console'
  return ['/v1/', '/realms/', '/x/'].some((prefix) => route.startsWith(prefix)) ? 'runtime' : 'pages'
}

/** The path without host and query, decoded where it can be. */
export function readablePath(address: string): string {
  const path = address.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').split(/[?#]/, 1)[0] ?? ''
  try {
    return decodeURIComponent(path).replace(/\/{2,}/g, '/')
  } catch {
    return path
  }
}

/** The address as a log may show it: the unguessable part of an execution's address is a secret. */
export function loggedPath(request: FastifyRequest): string {
  const route = routeOf(request)
  if (request.is404) return route.replace(/^\/x\/.*/, '/x/…')
  return request.routeOptions.config.access === 'dispatch' || route.startsWith('/x/')
    ? route
    : readablePath(request.url)
}
