import type { FastifyRequest } from 'fastify'
import { Unauthenticated } from '../errors.ts'
import type { Role } from './roles.ts'
import type { SignInMethod } from './store.ts'

/** A person signed in to the console. */
export interface UserCaller {
  readonly kind: 'user'
  readonly userId: string
  readonly tenantId: string
  readonly email: string
  /** In this tenant, when the request came. */
  readonly role: Role
  /** Whether the role is admin or owner. */
  readonly isAdmin: boolean
  /** Whether the person looks after the installation: an administrator of its first tenant, acting in it. */
  readonly isOperator: boolean
  readonly signedInBy: SignInMethod
  /** Of the session's token: what the access stands on. */
  readonly sessionDigest: string
  /** Who acts in another tenant than where the session is: as who they came (`tenants/acting.ts`). */
  readonly own?: UserCaller
}

/** Which documents the agents of a key read: `contracts` as they are stored, or every bundle as a `Ruleset`. */
export const keyClients = ['contracts', 'rulesets'] as const
export type KeyClient = (typeof keyClients)[number]

/** How a signature is written as text. */
export const signatureTexts = ['hex', 'base64'] as const
export type SignatureText = (typeof signatureTexts)[number]

/** An agent with an Edictum API key. `agentId` is what it says of itself in `X-Edictum-Agent-Id`, or null. */
export interface KeyCaller {
  readonly kind: 'key'
  readonly keyId: string
  /** The part of the key that may be shown. */
  readonly keyPrefix: string
  readonly tenantId: string
  readonly env: string
  readonly agentId: string | null
  readonly client: KeyClient
  /** Null as the server is set. */
  readonly signature: SignatureText | null
}

/** A bearer of an access token of the runtime API: operator, service account or user. */
export interface TokenCaller {
  readonly kind: 'token'
  readonly subject: string
  readonly tenantId: string
  readonly identity: 'operator' | 'service_account' | 'consumer' | 'tenant_user'
  readonly role: string
  readonly scopes: ReadonlySet<string>
  /** It is of the installation's first tenant, whose operators look after all tenants. */
  readonly isOfFirstTenant?: boolean
  /** Of an access token of another issuer: whose, and when it is over, in milliseconds since the Unix epoch. */
  readonly foreign?: { readonly issuer: string; readonly expiresAt: number }
  /** The API key it came with, and the principal that owns it; absent for an access token. */
  readonly key?: { readonly id: string; readonly owner: string }
  /** Who acts in another tenant than its own: as who it came (`tenants/acting.ts`). */
  readonly own?: TokenCaller
}

/** An execution's bootstrap, known by the unguessable address it was given (decisions, Runtime). */
export interface ExecutionCaller {
  readonly kind: 'execution'
  readonly executionId: string
  readonly tenantId: string
}

export type Caller = UserCaller | KeyCaller | TokenCaller | ExecutionCaller

/** Whose access it is, unique within the tenant: one person, key, account or execution, however often it signs in. */
export function principalOf(caller: Caller): string {
  switch (caller.kind) {
    case 'user':
      return `user:${caller.userId}`
    case 'key':
      return `key:${caller.keyId}`
    case 'token':
      // Two issuers may know two people by one name.
      if (caller.foreign) return `${caller.identity}:${caller.subject}@${caller.foreign.issuer}`
      return caller.key?.owner ?? `${caller.identity}:${caller.subject}`
    case 'execution':
      return `execution:${caller.executionId}`
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before validation, by the access that the route declares; null on public routes. */
    caller: Caller | null
  }
}

/** "Who" as stored with what was done: e-mail of a user, id of anything else. */
export function actorOf(caller: Caller): string {
  switch (caller.kind) {
    case 'user':
      return caller.email || caller.userId
    case 'key':
      return caller.agentId ?? caller.keyId
    case 'token':
      return caller.subject
    case 'execution':
      return caller.executionId
  }
}

export const callerOf = (request: FastifyRequest): Caller => request.caller ?? refuse()
export const userOf = (request: FastifyRequest): UserCaller => ofKind(request, 'user')
export const keyOf = (request: FastifyRequest): KeyCaller => ofKind(request, 'key')
export const tokenOf = (request: FastifyRequest): TokenCaller => ofKind(request, 'token')

/** The caller of an `either` route. */
export function userOrKeyOf(request: FastifyRequest): UserCaller | KeyCaller {
  const caller = callerOf(request)
  return caller.kind === 'user' || caller.kind === 'key' ? caller : refuse()
}

function ofKind<K extends Caller['kind']>(request: FastifyRequest, kind: K): Extract<Caller, { kind: K }> {
  const caller = request.caller
  if (caller?.kind !== kind) return refuse()
  return caller as Extract<Caller, { kind: K }>
}

function refuse(): never {
  throw new Unauthenticated('Authentication required.')
}

/** Whether the caller looks after the installation: an administrator, person or program, of its first tenant. */
export function looksAfterInstallation(caller: Caller | null): boolean {
  if (caller?.kind === 'user') return caller.isOperator
  return caller?.kind === 'token' && caller.isOfFirstTenant === true && caller.role === 'aegis:admin'
}
