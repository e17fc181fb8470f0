import { digestOf } from '../../identity/opaque-tokens.ts'
import type { Conversation } from './conversation.ts'

/** The conversations of the attempts that run in this process, by the token in the address their instance was given. */
export interface Attempts {
  add(token: string, conversation: Conversation): void
  remove(token: string): void
  byToken(token: string): Conversation | null
  byExecution(id: string): Conversation | null
}

export function createAttempts(): Attempts {
  const byHash = new Map<string, Conversation>()
  return {
    add: (token, conversation) => void byHash.set(digestOf(token), conversation),
    remove: (token) => void byHash.delete(digestOf(token)),
    byToken: (token) => byHash.get(digestOf(token)) ?? null,
    byExecution: (id) => [...byHash.values()].find(({ execution }) => execution.id === id) ?? null,
  }
}
