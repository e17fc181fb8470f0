import pino from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { manualClock } from '../../../test/manual-clock.ts'
import { deployAgent, serviceHeaders, startExecution, until, world } from '../../../test/runtime.ts'
import { systemRandom } from '../../adapters/random/system.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { EventDraft } from '../record/events.ts'
import { createCortex } from './cortex.ts'
import { signatureOf } from './signature.ts'
import { createCortexStore } from './store.ts'

describe('the signature of an error', () => {
  it('is one for the same error however it is told, and another for another', () => {
    const same = [
      "TypeError: cannot read 'a' of undefined at /srv/x/main.js:10:4",
      "TypeError:  cannot read 'bcd' of undefined at /home/me/y.js:7:22",
    ].map((text) => signatureOf(text))
    expect(same[0]).toEqual(same[1])
    expect(same[0]?.type).toBe('TypeError')
    expect(signatureOf('RangeError: cannot read "a" of undefined').hash).not.toBe(same[0]?.hash)
    expect(signatureOf('exit code 1').type).toBe('general')
    expect(signatureOf('exit code 1').hash).toBe(signatureOf('exit code 17').hash)
  })
})

const spec = {
  execution: {
    mode: 'iterative',
    max_iterations: 2,
    validation: [{ type: 'json_schema', schema: { type: 'object', required: ['ok'] } }],
  },
}
/** Of each execution: prose first, then, told of that, what the schema asks for. */
const turns = [{ when: { prompt: 'no JSON' }, text: '{"ok": true}' }, { text: 'Here you are.' }]
const DAY = 86_400_000

onEachDatabase('the memory of agents', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = (environment: Record<string, string>) =>
    world(async (script) => {
      t = await start({ environment: { ...script, LICTOR_SANDBOX: 'process', ...environment } })
      return t
    })(turns, spec)
  const get = async (url: string, headers: Record<string, string>) =>
    (await t.request({ method: 'GET', url, headers })).json()
  const weights = async () =>
    (await t.server.database.db.selectFrom('cortex_patterns').select('weight').execute()).map(({ weight }) => weight)
  /** What an execution came to, without what differs each time. */
  const outcome = ({ answer, events }: { answer: Record<string, unknown>; events: { type: string }[] }) => ({
    status: answer.status,
    output: answer.output,
    total: answer.total_iterations,
    types: events.map(({ type }) => type),
  })

  it('is off unless it is turned on: its routes say so, and executions do the same with it, without it and when it fails', async () => {
    const w = await open({})
    for (const path of ['patterns', 'skills', 'metrics']) {
      const answer = await t.request({ method: 'GET', url: `/v1/cortex/${path}`, headers: w.headers })
      expect([answer.statusCode, answer.json().error]).toEqual([503, 'cortex_not_configured'])
    }
    const without = outcome(await w.run({ intent: 'Tell.' }))
    expect(await weights()).toEqual([])
    await t.close()
    const on = await open({ LICTOR_CORTEX: 'on' })
    expect(outcome(await on.run({ intent: 'Tell.' }))).toEqual(without)
    await t.close()
    const broken = await open({ LICTOR_CORTEX: 'on' })
    await t.server.database.db.schema.dropTable('cortex_uses').execute()
    for (let n = 0; n < 2; n++) expect(outcome(await broken.run({ intent: 'Tell.' }))).toEqual(without)
  })

  it('what helped is told to the next attempt that meets the error, which its event says, and counts for it', async () => {
    const w = await open({ LICTOR_CORTEX: 'on' })
    const first = await w.run({ intent: 'Tell.' })
    expect(first.answer.status).toBe('completed')
    expect(first.events.find(({ type }) => type === 'refinement_applied')).not.toHaveProperty('cortex_pattern_id')
    await until(async () => (await weights()).length === 1)
    const second = await w.run({ intent: 'Tell.' })
    const { patterns } = await get('/v1/cortex/patterns?q=json', w.headers)
    expect(patterns).toMatchObject([{ error_type: 'general', solution_code: '{"ok": true}' }])
    expect(second.events.find(({ type }) => type === 'refinement_applied')).toMatchObject({
      cortex_pattern_id: patterns[0].id,
      cortex_pattern_category: 'general',
      cortex_success_score: 1,
      cortex_solution_approach: expect.stringContaining('{"ok": true}'),
    })
    expect(w.told(second.events).at(-1)).toContain('What helped against this before')
    await until(async () => (await get('/v1/cortex/metrics', w.headers)).recall_accuracy === 1)
    expect(await get('/v1/cortex/metrics', w.headers)).toMatchObject({
      pattern_count: 1,
      avg_success_rate: 1,
      firstAttemptSuccessRate: 0,
      averageIterations: 2,
      patternsThisWeek: 1,
    })
    expect((await get('/v1/cortex/skills', w.headers)).skills).toMatchObject([
      { id: 'general', level: 'intermediate', patternCount: 1, successRate: 100 },
    ])
    expect((await get('/v1/cortex/patterns?query=nothing-like-it', w.headers)).patterns).toEqual([])
  })

  it('what one tenant learned, no other is told', async () => {
    const w = await open({ LICTOR_CORTEX: 'on' })
    await w.run({ intent: 'Tell.' })
    await until(async () => (await weights()).length === 1)
    const theirs = await serviceHeaders(t, {}, await t.otherTenant())
    const agent = await deployAgent(t, theirs, spec)
    const id = await startExecution(t, theirs, agent)
    await until(async () => (await get(`/v1/executions/${id}`, theirs)).ended_at !== null)
    await until(async () => (await weights()).length === 2)
    expect(await t.server.database.db.selectFrom('cortex_uses').selectAll().execute()).toEqual([])
    expect((await get('/v1/cortex/metrics', theirs)).recall_accuracy).toBeNull()
    expect((await get('/v1/cortex/patterns', theirs)).count).toBe(1)
  })

  it('a weight rises with what completes, falls day by day when it is not used, and is removed in the end', async () => {
    t = await start()
    const { database } = t.server
    const clock = manualClock(Date.parse('2026-01-01T00:00:00Z'))
    const told: string[] = []
    const note = async (_tenant: string, events: readonly EventDraft[]) => {
      told.push(...events.map(({ type, fields }) => `${type} ${Math.sign(Number(fields.delta ?? 1))}`))
      return true
    }
    const attempt = (number: number, of: object) => ({ number, trajectory: [], validation: null, history: null, ...of })
    const execution = { id: 'e', tenantId: 'a', agentId: 'g', status: 'completed', intent: null, parentId: null }
    const cortex = createCortex({
      store: createCortexStore(database),
      executions: {
        find: async () => ({ ...execution, manifest: { metadata: {} } }) as never,
        listIterations: async () =>
          [
            attempt(1, { status: 'failed', history: { iteration: 1, error: 'TypeError: 1' } }),
            attempt(2, { status: 'success', output: 'done' }),
          ] as never,
      },
      database,
      events: { add: async (tenant, events) => void (await note(tenant, events)), record: note },
      clock,
      random: { ...systemRandom, uuid: () => 'p' },
      logger: pino({ level: 'silent' }),
    })
    await cortex.ended(execution)
    await database.db.updateTable('cortex_patterns').set({ weight: 0.06 }).execute()
    const rising = [0.06]
    for (let n = 0; n < 2; n++) {
      await cortex.ended(execution)
      rising.push(...(await weights()))
    }
    expect(rising.toSorted((one, other) => one - other)).toEqual(rising)
    expect(new Set(rising).size).toBe(3)
    await database.db.updateTable('cortex_patterns').set({ weight: 0.06 }).execute()
    const seen: number[] = [0.06]
    let days = 0
    for (; (await weights()).length > 0; days++) {
      await clock.advance(DAY)
      // Twice a day, and by two servers: it fades once.
      await Promise.all([cortex.decay(), cortex.decay()])
      await cortex.decay()
      seen.push(...(await weights()))
    }
    // A week unused, then a day for each step from 0.06 below 0.05.
    expect(days).toBe(11)
    expect(seen.toSorted((one, other) => other - one)).toEqual(seen)
    expect(new Set(told)).toEqual(new Set(['pattern_discovered 1', 'pattern_reinforced 1', 'pattern_decayed -1']))
    const { decay } = await cortex.figures(scopeOfRecord({ tenantId: 'a' }))
    expect(decay).toMatchObject({ removed: 1, decayed: 3 })
  })
})
