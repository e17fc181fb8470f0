import type { Chapter } from '../chapter.ts'

export const schedules: Chapter = {
  tag: 'schedules',
  description:
    'What is started by the clock: workflows and agents, at each of their times once, however many servers share the database.',
  fields: {
    name: 'Its name: 1 to 63 of `a-z 0-9 _ . -`. `agent:` and the name of an agent where the manifest of that agent says it (`spec.schedule`).',
    id: 'Id of the schedule.',
    workflow: 'Name or id of the workflow that it starts; null where it starts an agent.',
    agent: 'Name or id of the agent that it starts; null where it starts a workflow.',
    cron: 'Minute, hour, day, month, weekday; with six fields seconds come first. A pattern that names hours and minutes without `*` and steps is due once a day also when clocks are changed: right after the gap, or the first of two times. Every other one goes on through both.',
    timezone: 'Whose time `cron` means, as in `Europe/Berlin`; `UTC` where it is left out.',
    every_seconds: 'Instead of `cron`: every so many seconds from when it was set, up to 400 days.',
    missed:
      'Of times that passed while no server ran: `once` makes up for all of them by one start, `skip` passes over what is more than a minute late.',
    input: 'What is given to it; null: `schedule` and `scheduled_at`. At most 1 MiB of JSON.',
    intent: 'The intent that is given to it.',
    enabled: 'Whether anything is started by it.',
    of_manifest: 'Whether the manifest of an agent says it; it is changed there.',
    next_at: 'When it is due next; null: never.',
    last_due_at: 'When it was due last.',
    last_execution_id: 'Id of the run or execution that it started last.',
    last_error: 'Why nothing was started when it was due last; null where something was.',
    started_count: 'How many it has started.',
    tenant_id: 'Id of the tenant it belongs to.',
    created_by: 'Who set it first; `manifest` for one of a manifest.',
    created_at: 'When it was set first.',
    updated_at: 'When it was set last; intervals are counted from it.',
    schedules: 'The schedules, by name.',
    items: 'The same list, under the name that other clients read.',
    count: 'How many there are.',
    status: '`deleted`.',
    success: 'Always true.',
  },
  operations: {
    'PUT /v1/schedules/:name': {
      notes:
        'Sets it anew where it is there: what the body leaves out is as for a new one. Takes `workflow:run` or `agent:execute` beside `workflow:deploy`. It goes on whoever set it leaves. At most 1,000 for a tenant.',
    },
    'GET /v1/schedules': {},
    'GET /v1/schedules/:name': {},
    'DELETE /v1/schedules/:name': { notes: '409 for one that a manifest says.' },
  },
}
