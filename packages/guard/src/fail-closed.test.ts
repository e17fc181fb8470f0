import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ApprovalBackend } from './approvals.ts'
import type { AuditSink } from './audit/sinks.ts'
import { Edictum } from './edictum.ts'
import { silentLogger } from './logger.ts'
import { MemoryBackend, type StorageBackend } from './storage.ts'
import { approve, bundle, countingTool, deny, ScriptedApprovals } from './testing/guards.ts'

/** How one dependency behaves: answers at once, later, or fails at once or later. */
type Manner = 'now' | 'later' | 'throws' | 'rejects'
const manner = fc.constantFrom<Manner>('now', 'later', 'throws', 'rejects')

function behave<T>(how: Manner, value: () => T): T | Promise<T> {
  switch (how) {
    case 'now':
      return value()
    case 'later':
      return Promise.resolve().then(value)
    case 'throws':
      throw new Error('fails')
    case 'rejects':
      return Promise.reject(new Error('fails'))
  }
}

const storage = (increment: Manner, read: Manner): StorageBackend => {
  const memory = new MemoryBackend()
  return {
    get: (key) => behave(read, () => memory.get(key)),
    batchGet: (keys) => behave(read, () => memory.batchGet(keys)),
    set: (key, value) => memory.set(key, value),
    delete: (key) => memory.delete(key),
    increment: (key, amount) => behave(increment, () => memory.increment(key, amount)),
  }
}
const sink = (how: Manner): AuditSink => ({ emit: () => behave(how, () => {}) })
const fails = (how: Manner) => how === 'throws' || how === 'rejects'

const contracts = [deny('no-env', '*', '.env'), approve('ask', 'deploy')]
const text = bundle(contracts)

test('whatever its surroundings do, a tool runs only when the call was counted, allowed, recorded and, where asked, approved', async () => {
  const world = fc.record({
    increment: manner,
    read: manner,
    emit: manner,
    request: manner,
    decide: manner,
    approved: fc.boolean(),
    backend: fc.boolean(),
    tool: fc.constantFrom('deploy', 'read_file'),
    path: fc.constantFrom('.env', 'data.csv'),
    outcome: manner,
  })
  await fc.assert(
    fc.asyncProperty(world, async (w) => {
      const decided = new ScriptedApprovals({ approved: w.approved, status: w.approved ? 'approved' : 'denied' })
      const approvals: ApprovalBackend = {
        requestApproval: async (...args) => behave(w.request, () => decided.requestApproval(...args)),
        waitForDecision: async () => behave(w.decide, () => decided.waitForDecision()),
      }
      const guard = Edictum.fromYamlString(text, {
        backend: storage(w.increment, w.read),
        auditSink: sink(w.emit),
        logger: silentLogger,
        ...(w.backend ? { approvalBackend: approvals } : {}),
      })
      const tool = countingTool('ran')
      const result = await guard
        .run(w.tool, { path: w.path }, (args) => behave(w.outcome, () => tool(args)))
        .catch(() => 'threw')
      const asks = w.tool === 'deploy'
      const granted = !asks || (w.backend && !fails(w.request) && !fails(w.decide) && w.approved)
      const mayRun = !fails(w.increment) && !fails(w.read) && !fails(w.emit) && w.path !== '.env' && granted
      const runs = mayRun && !fails(w.outcome)
      expect(tool.calls.length).toBe(runs ? 1 : 0)
      expect(result).toBe(runs ? 'ran' : 'threw')
      // Whatever happened, the call left no doubt: it was allowed only if it was let through.
      const actions = guard.localSink.events.map((event) => event.action)
      if (w.path === '.env') expect(actions).not.toContain('call_allowed')
    }),
    { numRuns: 500 },
  )
})
