import type { Chapter } from '../chapter.ts'

export const limits: Chapter = {
  tag: 'limits',
  description:
    'How much tenants and users may begin and use, in windows of a minute, an hour, a day, seven days and thirty. Tiers set limits where `LICTOR_LIMITS` is on; administrators of the installation set others.',
  fields: {
    id: 'Id: a UUID, given by the server.',
    overrides: 'The limits, in the order in which they were set.',
    usage: 'What was counted, in windows that are under way.',
    buckets: 'How much of each limit of the caller is used up.',
    items: 'The same list, under the name that other clients read.',
    count: 'How many there are.',
    resource_type:
      '`agent_execution`, `workflow_execution`, `llm_call`, `llm_token`, or `seal_tool:` with the name of a tool or a pattern such as `fs_*`.',
    bucket: 'The window: `per_minute`, `hourly`, `daily`, `weekly`, `monthly`.',
    bucket_name: 'Resource and window.',
    usage_pct: 'A fraction: 1 is all of it.',
    limit_value: 'How many in each window; null where nothing limits it any more.',
    burst_value: 'Kept and given back. Windows are fixed: `limit_value` bounds what comes at once.',
    tenant_id: 'The tenant, all of its users together. Its id, or its slug in a request.',
    user_id: 'The user: e-mail address, or client id of a service account; `tenant:user` for one of another tenant.',
    scope_type: '`tenant` or `user`.',
    scope_id: 'The tenant, or the user.',
    window_start: 'When the window began.',
    window_seconds: 'How long it is.',
    resets_at: 'When it ends.',
    counter: 'How many were counted.',
    current_count: 'How many were counted.',
    created_at: 'When it was set first.',
    updated_at: 'When it was set last.',
    status: '`deleted`.',
  },
  operations: {
    'GET /v1/admin/rate-limits/overrides': { notes: 'For administrators of the tenant that runs the installation.' },
    'POST /v1/admin/rate-limits/overrides': {
      notes:
        'For a tenant or for a user, never for both; set again for the same window, it is changed. The first level that says anything of a resource says all of it: the user, the tenant, the tier. In force with the next request, on every server.',
    },
    'DELETE /v1/admin/rate-limits/overrides/:id': { notes: 'In force with the next request.' },
    'GET /v1/admin/rate-limits/usage': { notes: 'Nothing is counted where nothing limits it.' },
    'GET /v1/user/rate-limits': { notes: 'The same as `/v1/user/rate-limits/usage`.' },
    'GET /v1/user/rate-limits/usage': { notes: '`buckets` are those of the caller, `usage` those of its tenant too.' },
  },
}
