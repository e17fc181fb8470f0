import type { Clock } from '../ports/clock.ts'
import { microsOf } from '../storage/instants.ts'
import type { Caller, KeyCaller, TokenCaller, UserCaller } from './caller.ts'
import { isOver } from './login.ts'
import type { RuntimeKeys } from './runtime-keys/runtime-keys.ts'
import type { IdentityStore } from './store.ts'
import { type Acting, comesAs } from './tenants/acting.ts'
import { scopesOfAccount } from './tokens/scopes.ts'
import type { AccessStore } from './tokens/store.ts'

/** Whether those who were let in would be let in as the same now. */
export interface Standing {
  /** Of these callers, the ones whose session, key or account has ended, or who may do something else than before. */
  fallen(callers: readonly Caller[]): Promise<Set<Caller>>
}

/** A query for each kind of caller, however many of them there are; looking extends no session. */
export function createStanding(deps: {
  store: Pick<IdentityStore, 'findSessions' | 'findKeysInForce'>
  accessStore: Pick<AccessStore, 'findAccounts' | 'activeOf'>
  runtimeKeys: Pick<RuntimeKeys, 'standing'>
  acting: Pick<Acting, 'stillMay'>
  clock: Clock
}): Standing {
  const { store, accessStore, acting, clock } = deps

  async function fallenUsers(callers: readonly UserCaller[]): Promise<UserCaller[]> {
    const sessions = await store.findSessions(distinct(callers.map(({ sessionDigest }) => sessionDigest)))
    const now = microsOf(clock.now())
    const inForce = new Map(sessions.filter((one) => !isOver(one, now)).map((one) => [one.tokenHash, one]))
    return callers.filter(({ sessionDigest, role, tenantId }) => {
      const session = inForce.get(sessionDigest)
      return session?.role !== role || session.tenantId !== tenantId || session.status !== 'active'
    })
  }

  async function fallenKeys(callers: readonly KeyCaller[]): Promise<KeyCaller[]> {
    const inForce = new Set(await store.findKeysInForce(distinct(callers.map(({ keyId }) => keyId))))
    return callers.filter(({ keyId }) => !inForce.has(keyId))
  }

  async function fallenTokens(callers: readonly TokenCaller[]): Promise<TokenCaller[]> {
    const accounts = await accessStore.findAccounts(distinct(callers.map(({ subject }) => subject)))
    const inForce = new Map(accounts.map((account) => [account.clientId, account]))
    return callers.filter(({ subject, role, scopes }) => {
      const account = inForce.get(subject)
      return account?.tenant.status !== 'active' || account.role !== role || !isWithin(scopes, scopesOfAccount(account))
    })
  }

  /** Nobody tells when another issuer takes a token back: it is good until it is over, or its tenant stopped. */
  async function fallenForeign(callers: readonly TokenCaller[]): Promise<TokenCaller[]> {
    const active = new Set(await accessStore.activeOf(distinct(callers.map(({ tenantId }) => tenantId))))
    return callers.filter(({ tenantId, foreign }) => !active.has(tenantId) || (foreign?.expiresAt ?? 0) <= clock.now())
  }

  async function fallenRuntimeKeys(callers: readonly TokenCaller[]): Promise<TokenCaller[]> {
    const now = await deps.runtimeKeys.standing(distinct(callers.flatMap(({ key }) => key?.id ?? [])))
    return callers.filter(({ key, role, scopes }) => {
      const current = now.get(key?.id ?? '')
      return !current || current.role !== role || !isWithin(scopes, [...current.scopes])
    })
  }

  /** Of those who act elsewhere than where they come from, the ones who may not any more. */
  async function fallenElsewhere(callers: readonly Caller[]): Promise<Caller[]> {
    const elsewhere = callers.filter(
      (caller): caller is TokenCaller | UserCaller => 'own' in caller && caller.own !== undefined,
    )
    const may = await Promise.all(elsewhere.map(acting.stillMay))
    return elsewhere.filter((_, n) => !may[n])
  }

  async function fallenAtHome(callers: readonly Caller[]): Promise<Set<Caller>> {
    const bearers = callers.filter((caller) => caller.kind === 'token')
    const [users, keys, tokens, foreign, runtimeKeys] = await Promise.all([
      fallenUsers(callers.filter((caller) => caller.kind === 'user')),
      fallenKeys(callers.filter((caller) => caller.kind === 'key')),
      fallenTokens(bearers.filter((one) => one.key === undefined && one.foreign === undefined)),
      fallenForeign(bearers.filter((one) => one.foreign !== undefined)),
      fallenRuntimeKeys(bearers.filter(({ key }) => key !== undefined)),
    ])
    return new Set<Caller>([...users, ...keys, ...tokens, ...foreign, ...runtimeKeys])
  }

  return {
    async fallen(callers) {
      const [atHome, elsewhere] = await Promise.all([fallenAtHome(callers.map(comesAs)), fallenElsewhere(callers)])
      return new Set([...callers.filter((caller) => atHome.has(comesAs(caller))), ...elsewhere])
    },
  }
}

const distinct = (values: readonly string[]): string[] => [...new Set(values)]

const isWithin = (scopes: ReadonlySet<string>, allowed: readonly string[]): boolean =>
  [...scopes].every((scope) => allowed.includes(scope))
