import Type from 'typebox'
import { InsufficientScope, InvalidInput } from '../../errors.ts'
import { Instant, Maybe, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { Json, ListOf, listed, runtimeCallerOf } from '../http.ts'
import { missedPolicies, type Schedule } from './schedule.ts'
import type { ScheduleGiven, Schedules } from './schedules.ts'
import { USUAL_ZONE } from './timing.ts'

const tags = ['schedules']

const Item = Type.Object({
  id: Type.String(),
  name: Type.String(),
  workflow: Nullable(Type.String()),
  agent: Nullable(Type.String()),
  cron: Nullable(Type.String()),
  timezone: Nullable(Type.String()),
  every_seconds: Nullable(Type.Integer()),
  missed: Type.String(),
  input: Json,
  intent: Nullable(Type.String()),
  enabled: Type.Boolean(),
  of_manifest: Type.Boolean(),
  next_at: Nullable(Instant),
  last_due_at: Nullable(Instant),
  last_execution_id: Nullable(Type.String()),
  last_error: Nullable(Type.String()),
  started_count: Type.Integer(),
  tenant_id: Type.String(),
  created_by: Type.String(),
  created_at: Instant,
  updated_at: Instant,
})
const Body = Type.Object(
  {
    workflow: Maybe(Type.String({ minLength: 1 })),
    agent: Maybe(Type.String({ minLength: 1 })),
    cron: Maybe(Type.String({ minLength: 1, maxLength: 255 })),
    timezone: Maybe(Type.String({ minLength: 1, maxLength: 64 })),
    every_seconds: Maybe(Type.Integer()),
    missed: Maybe(Type.Union(missedPolicies.map((policy) => Type.Literal(policy)))),
    input: Type.Optional(Json),
    intent: Maybe(Type.String()),
    enabled: Maybe(Type.Boolean()),
  },
  { additionalProperties: false },
)

const shown = (one: Schedule) => ({
  id: one.id,
  name: one.name,
  workflow: one.kind === 'workflow' ? one.target : null,
  agent: one.kind === 'agent' ? one.target : null,
  cron: one.timing.kind === 'cron' ? one.timing.cron : null,
  timezone: one.timing.kind === 'cron' ? one.timing.timezone : null,
  every_seconds: one.timing.kind === 'interval' ? one.timing.seconds : null,
  missed: one.missed,
  input: one.input ?? null,
  intent: one.intent,
  enabled: one.isEnabled,
  of_manifest: one.agentId !== null,
  next_at: toWireTimeOrNull(one.nextAt),
  last_due_at: toWireTimeOrNull(one.lastDueAt),
  last_execution_id: one.lastRunId,
  last_error: one.lastError,
  started_count: one.started,
  tenant_id: one.tenantId,
  created_by: one.createdBy,
  created_at: toWireTime(one.createdAt),
  updated_at: toWireTime(one.updatedAt),
})
const byName = Type.Object({ name: Type.String() })

/** What is started by the clock, over HTTP. */
export function scheduleRoutes(app: App, schedules: Schedules): void {
  app.put(
    '/v1/schedules/:name',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:deploy' },
      schema: {
        tags,
        summary: 'Start a workflow or an agent by the clock',
        params: byName,
        body: Nullable(Body),
        response: { 200: Item, ...runtimeFailures(400, 401, 403, 409, 422) },
      },
    },
    async (request) => {
      const caller = runtimeCallerOf(request)
      const given = givenBy(request.body ?? {})
      const needed = given.kind === 'agent' ? 'agent:execute' : 'workflow:run'
      if (caller.kind === 'token' && !caller.scopes.has(needed)) throw new InsufficientScope(needed)
      return shown(await schedules.put(caller, request.params.name, given))
    },
  )

  app.get(
    '/v1/schedules',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:list' },
      schema: {
        tags,
        summary: 'What is started by the clock, by name',
        response: { 200: ListOf('schedules', Item), ...runtimeFailures(401, 403) },
      },
    },
    async (request) => listed('schedules', (await schedules.list(runtimeCallerOf(request))).map(shown)),
  )

  app.get(
    '/v1/schedules/:name',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:read' },
      schema: {
        tags,
        summary: 'One of them',
        params: byName,
        response: { 200: Item, ...runtimeFailures(401, 403, 404) },
      },
    },
    async (request) => shown(await schedules.get(runtimeCallerOf(request), request.params.name)),
  )

  app.delete(
    '/v1/schedules/:name',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:deploy' },
      schema: {
        tags,
        summary: 'Start it no more; what runs goes on',
        params: byName,
        response: {
          200: Type.Object({ status: Type.String(), success: Type.Boolean(), name: Type.String() }),
          ...runtimeFailures(401, 403, 404, 409),
        },
      },
    },
    async (request) => {
      const { name } = request.params
      await schedules.remove(runtimeCallerOf(request), name)
      return { status: 'deleted', success: true, name }
    },
  )
}

/** @throws InvalidInput for what names not one thing to start, or not one way to say when */
function givenBy(body: Type.Static<typeof Body>): ScheduleGiven {
  const { workflow, agent, cron, timezone, every_seconds: seconds, missed, input, intent, enabled } = body
  const wrong = (field: string, msg: string): never => {
    throw new InvalidInput([{ loc: ['body', field], msg }])
  }
  const target = workflow ?? agent
  if (target === undefined || target === null || (workflow && agent))
    return wrong('workflow', 'A schedule starts either a workflow or an agent: name one of them.')
  const hasSeconds = seconds !== undefined && seconds !== null
  if (Boolean(cron) === hasSeconds)
    return wrong('cron', 'A schedule is due either by cron or every_seconds: give one of them.')
  if (hasSeconds && timezone) return wrong('timezone', 'A time zone goes with cron; seconds are the same everywhere.')
  if ((JSON.stringify(input)?.length ?? 0) > 1024 ** 2) return wrong('input', 'An input has at most 1 MiB of JSON.')
  return {
    kind: workflow ? 'workflow' : 'agent',
    target,
    timing: hasSeconds
      ? { kind: 'interval', seconds }
      : { kind: 'cron', cron: cron ?? '', timezone: timezone ?? USUAL_ZONE },
    missed: missed ?? 'once',
    input: input ?? null,
    intent: intent?.trim() ? intent : null,
    isEnabled: enabled ?? true,
  }
}
