import type { Envelope } from '@lictor/contracts'
import type { MaybePromise } from './maybe-promise.ts'

/** What a before-hook decided. */
export interface HookDecision {
  readonly result: 'allow' | 'deny'
  readonly reason: string | null
}

export const HookResult = { ALLOW: 'allow', DENY: 'deny' } as const

const ALLOW: HookDecision = Object.freeze({ result: 'allow', reason: null })

export const HookDecision = Object.freeze({
  allow: (): HookDecision => ALLOW,
  /** The reason is cut to 500 characters. */
  deny: (reason: string): HookDecision =>
    Object.freeze({ result: 'deny', reason: reason.length > 500 ? `${reason.slice(0, 497)}...` : reason }),
})

interface HookCommon {
  /** Name or glob of the tools it is for; `*` for all. */
  readonly tool: string
  /** Runs the hook only where this is true; when it throws, the hook runs. */
  readonly when?: (envelope: Envelope) => boolean
  /** Shown in records; default: the callback's name, else `anonymous`. */
  readonly name?: string
}

export interface BeforeHook extends HookCommon {
  readonly phase: 'before'
  readonly callback: (envelope: Envelope) => MaybePromise<HookDecision>
}

export interface AfterHook extends HookCommon {
  readonly phase: 'after'
  readonly callback: (envelope: Envelope, response: unknown) => unknown
}

/** Code that runs around every call. Hooks belong to the guard, not to its contracts: a reload leaves them alone. */
export type HookRegistration = BeforeHook | AfterHook

export function hookName(hook: HookRegistration): string {
  return hook.name || (hook.callback.name === 'callback' ? '' : hook.callback.name) || 'anonymous'
}

export function hookApplies(hook: HookRegistration, matches: (tool: string) => boolean, envelope: Envelope): boolean {
  if (!matches(envelope.toolName)) return false
  if (hook.when === undefined) return true
  try {
    return Boolean(hook.when(envelope))
  } catch {
    return true
  }
}
