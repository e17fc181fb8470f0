import { queryOptions } from '@tanstack/react-query'
import { request } from '../../api/http.ts'
import type { Answer, Element } from '../../api/types.ts'

export type Schedule = Element<Answer<'/v1/schedules', 'get'>['schedules']>

export const scheduleQueries = {
  /** What is due is started without an event: it is looked at again. */
  all: () =>
    queryOptions({
      queryKey: ['schedules'],
      queryFn: ({ signal }) => request<{ schedules: readonly Schedule[] }>('/v1/schedules', { signal }),
      select: ({ schedules }) => schedules,
      refetchInterval: 10_000,
    }),
}

/** What a schedule is set to. */
export type Setting = Pick<
  Schedule,
  'workflow' | 'agent' | 'cron' | 'timezone' | 'every_seconds' | 'missed' | 'input' | 'intent' | 'enabled'
>

const at = (name: string) => `/v1/schedules/${encodeURIComponent(name)}`

export const setSchedule = ({ name, setting }: { name: string; setting: Setting }) =>
  request<Schedule>(at(name), { method: 'PUT', body: setting })
export const removeSchedule = (name: string) => request<unknown>(at(name), { method: 'DELETE' })

/** Pauses a schedule, or lets it go on, as it is set now: somebody may have changed it since it was read. */
export async function setEnabled({ name, enabled }: { name: string; enabled: boolean }): Promise<Schedule> {
  const now = await request<Schedule>(at(name))
  const { workflow, agent, cron, timezone, every_seconds, missed, input, intent } = now
  const setting = { workflow, agent, cron, timezone, every_seconds, missed, input, intent, enabled }
  return setSchedule({ name, setting })
}
