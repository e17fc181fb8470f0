import { createHash } from 'node:crypto'
import { canonicalJson } from '../server/canonical-json.ts'
import { type FakeConsole, newSigner, type Reply, type Seen, type TestSigner } from './fake-console.ts'

/** One approval as the server keeps it. */
export interface FakeApproval {
  readonly id: string
  readonly body: Record<string, unknown>
  status: 'pending' | 'approved' | 'denied' | 'timeout'
  consumedAt: string | null
}

/**
 * The routes of a console that a guard's calls need: sessions with reservations, approvals with receipts, events,
 * acknowledgements. `older` makes it a console that knows none of what came later.
 */
export class FakeGovernance {
  older = false
  /** Answers one request instead; null lets it through. */
  intercept: FakeConsole['answer'] = () => null
  readonly signer: TestSigner = newSigner()
  readonly values = new Map<string, number>()
  readonly leases = new Map<string, { session: string; tool: string }>()
  readonly settled: [string, string][] = []
  readonly renewed: string[] = []
  readonly approvals: FakeApproval[] = []
  readonly acknowledged: unknown[] = []
  readonly events: Record<string, unknown>[] = []
  /** Decides each approval as it is asked for; null leaves it to the test. */
  decideAtOnce: 'approved' | 'denied' | 'timeout' | null = null
  #leases = 0

  attach(console_: FakeConsole): this {
    console_.answer = async (seen) => (await this.intercept(seen)) ?? this.#answer(seen)
    return this
  }

  /** What the console recorded, as `tool:verdict`. */
  get verdicts(): string[] {
    return this.events.map((event) => `${event.tool_name}:${event.verdict}`)
  }

  decide(approval: FakeApproval, status: FakeApproval['status']): void {
    approval.status = status
  }

  #answer(seen: Seen): Reply | null {
    const { path, method, body } = seen
    if (path === '/api/v1/events') {
      this.events.push(...body.events)
      return { json: { accepted: body.events.length, duplicates: 0 } }
    }
    if (path === '/api/v1/agents/ack' && !this.older) {
      this.acknowledged.push(body)
      return { status: 204 }
    }
    if (path.startsWith('/api/v1/sessions/')) return this.#session(path.slice('/api/v1/sessions/'.length), body)
    if (path === '/api/v1/approvals' && method === 'POST') return this.#ask(body)
    const match = /^\/api\/v1\/approvals\/([^/]+)(\/consume)?$/.exec(path)
    const approval = this.approvals.find(({ id }) => id === match?.[1])
    if (approval === undefined) return null
    return match?.[2] ? this.#consume(approval, body) : { json: this.#shown(approval) }
  }

  #count(key: string, amount = 0): number {
    const value = (this.values.get(key) ?? 0) + amount
    if (amount !== 0) this.values.set(key, value)
    return value
  }

  #session(route: string, body: Record<string, unknown>): Reply | null {
    if (route === 'batch') {
      const keys = body.keys as string[]
      return { json: { values: Object.fromEntries(keys.map((key) => [key, String(this.#count(key))])) } }
    }
    if (route.endsWith('/increment')) {
      return { json: { value: this.#count(route.slice(0, -'/increment'.length), body.amount as number) } }
    }
    if (this.older) return null
    if (route === 'reserve') return { json: this.#reserve(body) }
    if (route === 'settle') return { json: this.#settle(body) }
    if (route === 'renew') {
      this.renewed.push(body.lease as string)
      return this.leases.has(body.lease as string) ? { json: { expires_in_seconds: 60 } } : null
    }
    this.values.delete(route)
    return { json: {} }
  }

  #counts(session: string, tool: string) {
    return {
      attempts: this.#count(`s:${session}:attempts`),
      executions: this.#count(`s:${session}:execs`),
      tool_executions: this.#count(`s:${session}:tool:${tool}`),
      consecutive_failures: this.#count(`s:${session}:consec_fail`),
    }
  }

  #reserve(body: Record<string, unknown>) {
    const { session, tool } = body as { session: string; tool: string }
    const bounds = body.bounds as Record<string, number>
    if (body.count_attempt) this.#count(`s:${session}:attempts`, 1)
    const counts = this.#counts(session, tool)
    const open = [...this.leases.values()].filter((lease) => lease.session === session)
    const reached: [string, number][] = [
      ['max_attempts', counts.attempts],
      ['max_tool_calls', counts.executions + open.length],
      ['max_calls_per_tool', counts.tool_executions + open.filter((lease) => lease.tool === tool).length],
    ]
    for (const [bound, count] of reached) {
      const limit = bounds[bound]
      if (limit !== undefined && count >= limit) return { exceeded: { bound, limit, count }, counts }
    }
    const lease = `lease-${++this.#leases}`
    this.leases.set(lease, { session, tool })
    return { lease, expires_in_seconds: 60, counts }
  }

  #settle(body: Record<string, unknown>) {
    const { lease, outcome } = body as { lease: string; outcome: string }
    const held = this.leases.get(lease)
    if (held === undefined) return { settled: false }
    this.leases.delete(lease)
    this.settled.push([lease, outcome])
    if (outcome !== 'not_run') {
      this.#count(`s:${held.session}:execs`, 1)
      this.#count(`s:${held.session}:tool:${held.tool}`, 1)
    }
    return { settled: true, counts: this.#counts(held.session, held.tool) }
  }

  #ask(body: Record<string, unknown>): Reply {
    const approval: FakeApproval = {
      id: `ap-${this.approvals.length + 1}`,
      body,
      status: this.decideAtOnce ?? 'pending',
      consumedAt: null,
    }
    this.approvals.push(approval)
    const bound = this.older ? {} : { action_digest: body.action_digest ?? null }
    return { status: 201, json: { id: approval.id, status: 'pending', ...bound } }
  }

  #shown(approval: FakeApproval) {
    const { id, body, status } = approval
    const shown = { id, status, decided_by: status === 'pending' ? null : 'ann', decision_reason: null }
    if (this.older) return shown
    return { ...shown, action_digest: body.action_digest, receipt: this.receipt(approval) }
  }

  /** The receipt of a decided approval, as the server signs it. */
  receipt({ id, body, status }: FakeApproval): Record<string, unknown> | null {
    if (status !== 'approved' && status !== 'denied') return null
    const said = {
      action_digest: body.action_digest,
      approval_id: id,
      decided_at: '2026-03-01T12:00:01Z',
      decided_by: 'ann',
      decision: status,
    }
    return {
      ...said,
      public_key: this.signer.publicKeyHex,
      signature: this.signer.sign(canonicalJson(said)).toString('hex'),
    }
  }

  #consume(approval: FakeApproval, body: Record<string, unknown>): Reply {
    if (approval.status !== 'approved') return { status: 409, json: { code: 'approval_not_approved' } }
    if (approval.body.action_digest !== body.action_digest) return { status: 409, json: { code: 'action_mismatch' } }
    if (approval.consumedAt !== null) return { status: 409, json: { code: 'approval_consumed' } }
    approval.consumedAt = '2026-03-01T12:00:02Z'
    return { json: { id: approval.id, action_digest: body.action_digest, consumed_at: approval.consumedAt } }
  }
}

/** The SHA-256 that binds an approval, computed apart from the guard. */
export function digestOf(action: Record<string, unknown>): string {
  return createHash('sha256').update(canonicalJson(action), 'utf8').digest('hex')
}
