import { createHash, timingSafeEqual } from 'node:crypto'
import type { OutboxStore } from '../../changes/outbox/store.ts'
import { Conflict, Forbidden } from '../../errors.ts'
import { scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Approvals } from '../approvals/approvals.ts'
import type { ChannelConfig } from '../channel-kinds/channel.ts'

const LONGEST_NAME = 200
const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

/** A channel whose secret the caller proved to know. */
export interface OpenChannel {
  readonly channel: { readonly id: string; readonly tenantId: string }
  readonly config: ChannelConfig
}

/** A button press: what it asks for. */
export interface Press {
  readonly approvalId: string
  readonly approved: boolean
}

/** What became of a press. `unknown`: that channel was never told of the approval; `foreign`: it is another tenant's. */
export type PressResult = 'decided' | 'refused' | 'unknown' | 'foreign'

export type Decide = (
  proven: readonly OpenChannel[],
  press: Press,
  by: { readonly via: 'telegram' | 'slack' | 'discord'; readonly name: string },
) => Promise<PressResult>

/** The press that a button's id stands for, for example `edictum_approve:<uuid>`; null when it is none of ours. */
export function pressOf(id: unknown, prefix: '' | 'edictum_'): Press | null {
  const match = typeof id === 'string' ? new RegExp(`^${prefix}(approve|deny):(${uuid})$`, 'i').exec(id) : null
  return match ? { approved: match[1] === 'approve', approvalId: (match[2] ?? '').toLowerCase() } : null
}

/** Presses decide through the one door that everybody uses; only a channel that was told of an approval may press. */
export function createDecide(deps: {
  outbox: OutboxStore
  approvals: Pick<Approvals, 'decide'>
  /** @throws Forbidden when the tenant is suspended or gone */
  requireActive: (scope: TenantScope) => Promise<void>
}): Decide {
  const { outbox, approvals, requireActive } = deps
  return async (proven, { approvalId, approved }, { via, name }) => {
    const routed = await outbox.findRouted(
      proven.map(({ channel }) => channel.id),
      approvalId,
    )
    if (!routed) return 'unknown'
    const { tenantId } = routed
    if (!proven.some(({ channel }) => channel.id === routed.channelId && channel.tenantId === tenantId))
      return 'foreign'
    const decidedBy = `${via}:${printable(name)}`
    try {
      await requireActive(scopeOfRecord({ tenantId }))
      await approvals.decide({ tenantId, id: approvalId, approved, reason: null, decidedBy, decidedVia: via })
      return 'decided'
    } catch (error) {
      if (error instanceof Conflict || error instanceof Forbidden) return 'refused'
      throw error
    }
  }
}

/** Whether two secrets are the same, in a time that tells nothing about where they differ or how long they are. */
export function secretsEqual(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}

/** The name a platform gives a person, fit to be stored and shown. */
export function printable(name: string): string {
  const clean = name.replace(/\p{C}/gu, '').trim()
  return Array.from(clean).slice(0, LONGEST_NAME).join('') || 'unknown'
}

/** The value at a path of a document of unknown shape. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let here = value
  for (const step of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, step)) return undefined
    here = (here as Record<string | number, unknown>)[step]
  }
  return here
}

/** The JSON document in a text; undefined when it is none. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
