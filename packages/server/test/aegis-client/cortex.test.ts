import { expect, it } from 'vitest'
import { driveGroup } from './driven.ts'

driveGroup('cortex', (open) => {
  it('what was learned is listed, by kinds and in numbers; nothing at first', async () => {
    const { client } = await open({ environment: { LICTOR_CORTEX: 'on' } })
    expect((await client.listCortexPatterns({ query: 'x', limit: 5 })).patterns).toEqual([])
    expect((await client.getCortexSkills({ limit: 5 })).skills).toEqual([])
    expect(await client.getCortexMetrics({ metric_type: 'all' })).toMatchObject({
      pattern_count: 0,
      solution_count: 0,
      avg_success_rate: null,
      decay: { lastRunAt: null, decayed: 0, removed: 0 },
    })
  })

  it('is not configured unless it is turned on', async () => {
    const { client } = await open()
    await expect(client.listCortexPatterns()).rejects.toMatchObject({
      status: 503,
      body: { error: 'cortex_not_configured' },
    })
  })
})
