import { ConflictError, NotFoundError, UnprocessableEntityError } from '@lictor/aegis'
import { expect, it } from 'vitest'
import { driveGroup } from './driven.ts'

driveGroup('schedules', (open) => {
  it('are set, set anew, read and taken back; those of manifests belong to them', async () => {
    const { client } = await open()
    await client.deployAgent({ name: 'reporter', instruction: 'Report.', language: 'javascript', version: '20' })
    const set = await client.putSchedule('daily', { agent: 'reporter', cron: '0 9 * * 1-5', timezone: 'Europe/Berlin' })
    expect(set).toMatchObject({ name: 'daily', agent: 'reporter', workflow: null, missed: 'once', enabled: true })
    expect(await client.putSchedule('daily', { agent: 'reporter', every_seconds: 3600, missed: 'skip' })).toMatchObject(
      {
        id: set.id,
        cron: null,
        every_seconds: 3600,
        missed: 'skip',
      },
    )
    expect(await client.getSchedule('daily')).toMatchObject({ every_seconds: 3600 })
    const { schedules, items, count } = await client.listSchedules()
    expect([schedules.map(({ name }) => name), count]).toEqual([['daily'], 1])
    expect(items).toEqual(schedules)
    await expect(client.putSchedule('never', { agent: 'reporter', cron: '0 0 30 2 *' })).rejects.toThrow(
      UnprocessableEntityError,
    )
    await expect(client.putSchedule('agent:reporter', { agent: 'reporter', every_seconds: 60 })).rejects.toThrow(
      ConflictError,
    )
    expect(await client.deleteSchedule('daily')).toMatchObject({ status: 'deleted' })
    await expect(client.getSchedule('daily')).rejects.toThrow(NotFoundError)
  })
})
