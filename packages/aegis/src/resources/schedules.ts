import type { RequestOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import type { Transport } from '../http/transport.ts'

/** Something that is started by the clock. */
export interface Schedule {
  readonly id: string
  /** `agent:` and the agent's name where its manifest says it. */
  readonly name: string
  readonly workflow: string | null
  readonly agent: string | null
  readonly cron: string | null
  readonly timezone: string | null
  readonly every_seconds: number | null
  readonly missed: 'once' | 'skip' | (string & {})
  readonly input: unknown
  readonly intent: string | null
  readonly enabled: boolean
  readonly of_manifest: boolean
  /** RFC 3339, UTC; so are all times. Null: never. */
  readonly next_at: string | null
  readonly last_due_at: string | null
  readonly last_execution_id: string | null
  /** Why the last one was not started. */
  readonly last_error: string | null
  readonly started_count: number
  readonly tenant_id: string
  readonly created_by: string
  readonly created_at: string
  readonly updated_at: string
}

export interface ScheduleList {
  readonly items: readonly Schedule[]
  readonly schedules: readonly Schedule[]
  readonly count: number
}

/** One of `workflow` and `agent`, one of `cron` and `every_seconds`. */
export interface SchedulePayload {
  /** Name or id. */
  readonly workflow?: string
  /** Name or id. */
  readonly agent?: string
  /** Five fields, or six with seconds. */
  readonly cron?: string
  /** As in Europe/Berlin; UTC where it is left out. */
  readonly timezone?: string
  /** Counted from when it is set. */
  readonly every_seconds?: number
  /** Of times that passed while no server ran: one start for all of them, or none. */
  readonly missed?: 'once' | 'skip'
  /** Left out, it is told its schedule and when it was due. */
  readonly input?: unknown
  readonly intent?: string
  readonly enabled?: boolean
}

/** Schedules. Each call rejects with an `AegisError`; see there. */
export const scheduleMethods = (transport: Transport) => ({
  /** Set one, or set it anew: what the payload leaves out is as for a new one. */
  async putSchedule(name: string, payload: SchedulePayload, options?: RequestOptions): Promise<Schedule> {
    return transport.json({ method: 'PUT', path: path`/v1/schedules/${name}`, json: payload }, options)
  },

  async listSchedules(options?: RequestOptions): Promise<ScheduleList> {
    return transport.json({ method: 'GET', path: '/v1/schedules' }, options)
  },

  async getSchedule(name: string, options?: RequestOptions): Promise<Schedule> {
    return transport.json({ method: 'GET', path: path`/v1/schedules/${name}` }, options)
  },

  /** What runs already goes on. */
  async deleteSchedule(name: string, options?: RequestOptions): Promise<{ readonly status: string }> {
    return transport.json({ method: 'DELETE', path: path`/v1/schedules/${name}` }, options)
  },
})

export type ScheduleMethods = ReturnType<typeof scheduleMethods>
