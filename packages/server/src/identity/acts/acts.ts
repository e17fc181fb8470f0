import type { FastifyRequest } from 'fastify'
import type { App } from '../../http/server.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { microsOf } from '../../storage/instants.ts'
import { actorOf, principalOf } from '../caller.ts'
import { permissionOfRoute } from '../roles.ts'
import type { ActStore } from './store.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Of an administrative act that is under way: its id, and what the route wants kept of it. Never a secret. */
    act: { readonly id: string; details: Record<string, unknown> } | null
  }
}

/** What the record of this act is to say beside who, when and what about. Does nothing where none is kept. */
export function noteOfAct(request: FastifyRequest, details: Readonly<Record<string, unknown>>): void {
  if (request.act) Object.assign(request.act.details, details)
}

/**
 * Every change that takes an administrator or an owner is written down before it is made, and concluded before it is answered: none
 * that took place is missing, whenever the server ends. What was refused, and so changed nothing, leaves no entry.
 */
export function recordActs(app: App, deps: { actStore: ActStore; clock: Clock; random: Random }): void {
  const { actStore, clock, random } = deps
  app.decorateRequest('act', null)
  app.addHook('preHandler', async (request) => {
    const { caller, method, routeOptions } = request
    if (caller === null || method === 'GET' || method === 'HEAD') return
    const permission = permissionOfRoute(method, routeOptions.config)
    if (permission !== 'administer' && permission !== 'own') return
    const id = random.uuid()
    await actStore.insert({
      id,
      tenantId: caller.tenantId,
      at: microsOf(clock.now()),
      actor: actorOf(caller),
      principal: principalOf(caller),
      action: `${method} ${routeOptions.url ?? ''}`,
      target: Object.values((request.params ?? {}) as Record<string, string>)
        .join(' ')
        .slice(0, 500),
      details: {},
      status: null,
    })
    request.act = { id, details: {} }
  })
  app.addHook('onSend', async (request, reply, payload) => {
    const { act } = request
    if (!act) return payload
    request.act = null
    const { statusCode } = reply
    if (statusCode >= 400 && statusCode < 500) await actStore.withdraw(act.id)
    else await actStore.conclude(act.id, statusCode, act.details)
    return payload
  })
}
