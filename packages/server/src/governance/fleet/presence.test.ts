import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { manualClock } from '../../../test/manual-clock.ts'
import { systemRandom } from '../../adapters/random/system.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { LiveAgent } from './live.ts'
import { createSharedPresence } from './presence.ts'
import { createPresenceStore } from './presence-store.ts'

onEachDatabase('presence among processes', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const clock = manualClock()
  function process() {
    const open: LiveAgent[] = []
    const presence = createSharedPresence({
      store: createPresenceStore(t.server.database),
      clock,
      random: systemRandom,
      live: {
        agents: (scope) => open.filter((one) => one.tenantId === scope.tenantId),
        allAgents: () => open,
        get agentCount() {
          return open.length
        },
      },
    })
    return { open, presence }
  }
  const agent = (agentId: string, tenantId = 't'): LiveAgent => ({
    tenantId,
    agentId,
    env: 'production',
    connectedAt: clock.now(),
    bundleName: 'devops',
    policyVersion: null,
  })

  it('every process sees every stream of the tenant, as it is now', async () => {
    t = await start()
    const [one, two] = [process(), process()]
    const first = agent('a')
    one.open.push(first, agent('foreign', 'other'))
    two.open.push(agent('b'), agent('b'))
    const ids = async (of: ReturnType<typeof process>) =>
      (await of.presence.of(scopeOfRecord({ tenantId: 't' })))
        .map((present) => [present.agentId, present.policyVersion])
        .sort()
    await one.presence.share()
    await two.presence.share()
    for (const either of [one, two])
      expect(await ids(either)).toEqual([
        ['a', null],
        ['b', null],
        ['b', null],
      ])
    first.policyVersion = 'v2'
    two.open.pop()
    await one.presence.share()
    await two.presence.share()
    for (const either of [one, two])
      expect(await ids(either)).toEqual([
        ['a', 'v2'],
        ['b', null],
      ])
    await one.presence.withdraw()
    expect(await ids(two)).toEqual([['b', null]])
  })

  it('the streams of a process that was killed are gone within half a minute', async () => {
    t = await start()
    const [killed, alive] = [process(), process()]
    killed.open.push(...Array.from({ length: 1_200 }, (_, index) => agent(`a${index}`)))
    await killed.presence.share()
    expect(await alive.presence.of(scopeOfRecord({ tenantId: 't' }))).toHaveLength(1_200)
    clock.set(clock.now() + 31_000)
    expect(await alive.presence.of(scopeOfRecord({ tenantId: 't' }))).toEqual([])
    await alive.presence.share()
    const left = await t.server.database.db.selectFrom('agent_presence').select('id').execute()
    expect(left).toEqual([])
  })

  it('a process that the others took for gone, because the database was away, tells of its streams anew', async () => {
    t = await start()
    const [one, two] = [process(), process()]
    one.open.push(agent('a'))
    await one.presence.share()
    await two.presence.share()
    clock.set(clock.now() + 60_000)
    await two.presence.share()
    expect(await two.presence.of(scopeOfRecord({ tenantId: 't' }))).toEqual([])
    await one.presence.share()
    expect((await two.presence.of(scopeOfRecord({ tenantId: 't' }))).map((present) => present.agentId)).toEqual(['a'])
    expect(await two.presence.count()).toBe(1)
  })
})
