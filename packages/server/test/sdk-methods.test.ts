import { AegisClient } from '@lictor/aegis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from './harness.ts'

/** The methods of the AEGIS SDK, each with every method and path that some generation of clients sends for it. */
const methods: Readonly<Record<string, readonly string[]>> = {
  deploy_agent: ['POST /v1/agents'],
  list_agents: ['GET /v1/agents'],
  get_agent: ['GET /v1/agents/:id'],
  lookup_agent: ['GET /v1/agents/lookup/:name'],
  update_agent: ['PATCH /v1/agents/:id'],
  delete_agent: ['DELETE /v1/agents/:id'],
  execute_agent: ['POST /v1/agents/:id/execute'],
  list_agent_versions: ['GET /v1/agents/:id/versions'],
  update_agent_scope: ['PATCH /v1/agents/:id/scope', 'POST /v1/agents/:id/scope'],
  stream_agent_events: ['GET /v1/agents/:id/events'],
  register_workflow: ['POST /v1/workflows'],
  list_workflows: ['GET /v1/workflows'],
  get_workflow: ['GET /v1/workflows/:name', 'GET /v1/workflows/:name/yaml'],
  delete_workflow: ['DELETE /v1/workflows/:name'],
  list_workflow_versions: ['GET /v1/workflows/:name/versions'],
  update_workflow_scope: ['PATCH /v1/workflows/:name/scope', 'POST /v1/workflows/:name/scope'],
  run_workflow: ['POST /v1/workflows/:name/run'],
  execute_temporal_workflow: ['POST /v1/workflows/temporal/execute', 'POST /v1/workflows/:name/execute'],
  register_temporal_workflow: ['POST /v1/workflows/temporal/register'],
  list_workflow_executions: ['GET /v1/workflows/executions'],
  get_workflow_execution: ['GET /v1/workflows/executions/:id'],
  remove_workflow_execution: ['DELETE /v1/workflows/executions/:id'],
  signal_workflow_execution: ['POST /v1/workflows/executions/:id/signal'],
  cancel_workflow_execution: ['POST /v1/workflows/executions/:id/cancel'],
  start_execution: ['POST /v1/executions'],
  stream_execution: ['GET /v1/executions/:id/stream', 'GET /v1/executions/:id/events'],
  get_execution: ['GET /v1/executions/:id'],
  list_executions: ['GET /v1/executions'],
  cancel_execution: ['POST /v1/executions/:id/cancel'],
  delete_execution: ['DELETE /v1/executions/:id'],
  get_execution_file: ['GET /v1/executions/:id/files/*'],
  list_pending_approvals: ['GET /v1/human-approvals'],
  get_pending_approval: ['GET /v1/human-approvals/:id'],
  approve_request: ['POST /v1/human-approvals/:id/approve'],
  reject_request: ['POST /v1/human-approvals/:id/reject'],
  attest_seal: ['POST /v1/seal/attest'],
  invoke_seal: ['POST /v1/seal/invoke'],
  list_seal_tools: ['GET /v1/seal/tools'],
  dispatch_gateway: ['POST /v1/dispatch-gateway'],
  list_stimuli: ['GET /v1/stimuli'],
  get_stimulus: ['GET /v1/stimuli/:id'],
  ingest_stimulus: ['POST /v1/stimuli'],
  send_webhook: ['POST /v1/webhooks/:source'],
  create_volume: ['POST /v1/volumes'],
  list_volumes: ['GET /v1/volumes'],
  get_volume: ['GET /v1/volumes/:id'],
  rename_volume: ['PATCH /v1/volumes/:id'],
  delete_volume: ['DELETE /v1/volumes/:id'],
  get_volume_quota: ['GET /v1/volumes/quota'],
  list_files: ['GET /v1/volumes/:id/files'],
  download_file: ['GET /v1/volumes/:id/files/download'],
  upload_file: ['POST /v1/volumes/:id/files/upload'],
  mkdir: ['POST /v1/volumes/:id/files/mkdir'],
  move_path: ['POST /v1/volumes/:id/files/move'],
  delete_path: ['DELETE /v1/volumes/:id/files'],
  list_credentials: ['GET /v1/credentials'],
  get_credential: ['GET /v1/credentials/:id'],
  store_api_key: ['POST /v1/credentials/api-keys', 'POST /v1/credentials/api-key'],
  revoke_credential: ['DELETE /v1/credentials/:id'],
  rotate_credential: ['POST /v1/credentials/:id/rotate'],
  oauth_initiate: ['POST /v1/credentials/oauth/initiate'],
  oauth_callback: ['GET /v1/credentials/oauth/callback', 'POST /v1/credentials/oauth/callback'],
  device_poll: ['POST /v1/credentials/oauth/device/poll', 'POST /v1/credentials/device/poll'],
  list_grants: ['GET /v1/credentials/:id/grants'],
  add_grant: ['POST /v1/credentials/:id/grants'],
  revoke_grant: ['DELETE /v1/credentials/:id/grants/:grant_id'],
  list_secrets: ['GET /v1/secrets'],
  get_secret: ['GET /v1/secrets/*'],
  write_secret: ['PUT /v1/secrets/*'],
  delete_secret: ['DELETE /v1/secrets/*'],
  list_api_keys: ['GET /v1/api-keys'],
  create_api_key: ['POST /v1/api-keys'],
  revoke_api_key: ['DELETE /v1/api-keys/:id'],
  list_members: ['GET /v1/colony/members'],
  invite_member: ['POST /v1/colony/members', 'POST /v1/colony/invitations'],
  remove_member: ['DELETE /v1/colony/members/:user_id'],
  update_role: ['PUT /v1/colony/roles', 'PATCH /v1/colony/members/:user_id'],
  get_saml_config: ['GET /v1/colony/saml'],
  set_saml_config: ['PUT /v1/colony/saml'],
  get_subscription: ['GET /v1/colony/subscription'],
  list_prices: ['GET /v1/billing/prices'],
  create_checkout_session: ['POST /v1/billing/checkout'],
  create_portal_session: ['POST /v1/billing/portal'],
  get_subscription_billing: ['GET /v1/billing/subscription'],
  get_invoices: ['GET /v1/billing/invoices'],
  get_cluster_status: ['GET /v1/cluster/status'],
  get_cluster_nodes: ['GET /v1/cluster/nodes'],
  list_swarms: ['GET /v1/swarms'],
  get_swarm: ['GET /v1/swarms/:id'],
  get_dashboard_summary: ['GET /v1/dashboard/summary', 'GET /v1/observability/dashboard'],
  list_security_incidents: ['GET /v1/security/incidents', 'GET /v1/observability/security-incidents'],
  list_storage_violations: ['GET /v1/storage/violations', 'GET /v1/observability/storage-violations'],
  list_cortex_patterns: ['GET /v1/cortex/patterns'],
  get_cortex_skills: ['GET /v1/cortex/skills'],
  get_cortex_metrics: ['GET /v1/cortex/metrics'],
  get_user_rate_limit_usage: ['GET /v1/user/rate-limits/usage', 'GET /v1/user/rate-limits'],
  get_workflow_execution_logs: ['GET /v1/workflows/executions/:id/logs'],
  stream_workflow_execution_logs: ['GET /v1/workflows/executions/:id/logs/stream'],
  create_tenant: ['POST /v1/admin/tenants'],
  list_tenants: ['GET /v1/admin/tenants'],
  suspend_tenant: ['POST /v1/admin/tenants/:slug/suspend'],
  delete_tenant: ['DELETE /v1/admin/tenants/:slug'],
  list_rate_limit_overrides: ['GET /v1/admin/rate-limits/overrides'],
  create_rate_limit_override: ['POST /v1/admin/rate-limits/overrides'],
  delete_rate_limit_override: ['DELETE /v1/admin/rate-limits/overrides/:id'],
  get_rate_limit_usage: ['GET /v1/admin/rate-limits/usage'],
  health_live: ['GET /health/live', 'GET /health'],
  health_ready: ['GET /health/ready'],
  aclose: [],
}

const inTypeScript = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
/** Names of parameters are the server's own. */
const shape = (route: string): string => route.replace(/:[a-z_]+/gi, ':x').replace(/\/\*$/, '/:x')

describe('the methods of the AEGIS SDK', () => {
  let t: TestServer
  let declared: ReadonlySet<string>
  beforeAll(async () => {
    t = await startTestServer()
    await t.server.http.ready()
    declared = new Set(t.server.http.declaredRoutes.map(({ method, url }) => shape(`${method} ${url}`)))
  })
  afterAll(() => t.close())

  it('are 109', () => {
    expect(Object.keys(methods)).toHaveLength(109)
  })

  it('have every route that a client sends', () => {
    const without = Object.entries(methods).filter(([, routes]) => routes.some((route) => !declared.has(shape(route))))
    expect(without.map(([name]) => name)).toEqual([])
  })

  it('are methods of AegisClient', () => {
    const client = new AegisClient({ baseUrl: 'http://localhost:1' })
    const without = Object.keys(methods).filter((name) => !(inTypeScript(name) in client))
    expect(without).toEqual([])
  })
})
