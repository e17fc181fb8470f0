import { sql } from 'kysely'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { CREDENTIALS } from '../../scripts/released/scenario.ts'
import { startTestServer, type TestServer } from '../../test/harness.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { type Facts, type Restored, releasedVersions, restoreReleased } from '../../test/released.ts'
import { version as current } from '../version.ts'

/** Tables that a server empties when it starts, keeps empty, or fills with the 32,768th event; and those that the version left empty. */
const mayBeEmpty = new Set([
  ...['events_default', 'agent_presence', 'server_processes', 'event_id_filters'],
  ...['event_links', 'event_checkpoints', 'session_leases'],
  ...[
    'execution_turns',
    'secrets',
    'secret_versions',
    'credentials',
    'credential_grants',
    'oauth_providers',
    'oauth_flows',
    'runtime_keys',
  ],
  ...['rate_limit_overrides', 'rate_limit_counters', 'nodes', 'subscriptions', 'billing_events'],
  ...['volumes', 'volume_files', 'volume_uploads', 'volume_garbage', 'volume_mounts', 'storage_violations'],
  ...['scripts', 'git_bindings', 'workflows', 'workflow_versions', 'workflow_runs', 'workflow_run_log'],
  ...['stimuli', 'stimulus_sources', 'schedules', 'intent_pipelines'],
  ...['swarms', 'swarm_locks', 'swarm_messages'],
  ...['cortex_patterns', 'cortex_trajectories', 'cortex_uses', 'cortex_decays'],
  ...['workflow_run_children', 'offered_rulesets', 'skill_scans', 'gate_documents', 'gate_deployments'],
  ...['administrative_acts', 'invitations', 'password_links', 'recovery_codes'],
  ...['external_identities', 'identity_providers', 'sign_ins', 'device_sign_ins'],
  ...[
    'security_contexts',
    'security_incidents',
    'seal_token_keys',
    'seal_workloads',
    'seal_sessions',
    'seal_envelopes',
  ],
])

it('the version that is being made has left its data behind as well', () => {
  expect(releasedVersions()).toContain(current)
})

for (const dialect of ['sqlite', 'postgres'] as const)
  describe.skipIf(dialect === 'postgres' && inject('postgresUrl') === '').each(releasedVersions())(
    `the data of %s on ${dialect}`,
    (version) => {
      let restored: Restored
      let t: TestServer
      afterEach(async () => {
        await t.close()
        await restored.clean()
      })

      const open = async (): Promise<Facts> => {
        restored = await restoreReleased(version, dialect)
        const { facts, environment } = restored
        t = await startTestServer({ environment, overrides: { clock: manualClock(facts.now) } })
        return facts
      }
      const admin = async () => {
        const login = await t.request({ method: 'POST', url: '/api/v1/auth/login', payload: CREDENTIALS })
        expect(login.statusCode).toBe(200)
        return { cookie: String(login.headers['set-cookie']).split(';')[0] ?? '', 'x-requested-with': 'test' }
      }
      const answersOf = async (facts: Facts) => {
        const headers = await admin()
        const answers: Record<string, unknown> = {}
        for (const url of Object.keys(facts.answers))
          answers[url] = (await t.request({ method: 'GET', url, headers })).json()
        return answers
      }

      it('is read by this version as that one answered it, after one start and after another', async () => {
        const facts = await open()
        expect(await answersOf(facts)).toMatchObject(facts.answers)
        await t.restart()
        expect(await answersOf(facts)).toMatchObject(facts.answers)
      })

      it('holds something of every table', async () => {
        await open()
        const { db } = t.server.database
        const empty: string[] = []
        for (const { name } of await db.introspection.getTables()) {
          if (mayBeEmpty.has(name) || /^events_\d{4}_\d{2}$/.test(name)) continue
          const { rows } = await sql`select 1 from ${sql.table(name)} limit 1`.execute(db)
          if (rows.length === 0) empty.push(name)
        }
        // Tables that came later are empty in the data of earlier versions.
        if (version === current) expect(empty).toEqual([])
      })

      it('is worked on: events, duplicates, decisions, counters, new versions and deployments', async () => {
        const facts = await open()
        const headers = await admin()
        const agent = { authorization: `Bearer ${facts.agentKey}`, 'x-edictum-agent-id': 'agent-1' }
        const api = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, payload?: object, as = headers) => {
          const answer = await t.request({
            method,
            url: `/api/v1${path}`,
            headers: as as Record<string, string>,
            ...(payload ? { payload } : {}),
          })
          return [answer.statusCode, answer.json()] as const
        }
        const events = [facts.event, { ...facts.event, call_id: 'after' }]
        expect(await api('POST', '/events', { events }, agent as never)).toEqual([200, { accepted: 1, duplicates: 1 }])
        expect((await api('GET', '/events?limit=1000'))[1]).toHaveLength(
          (facts.answers['/api/v1/events'] as unknown[]).length + 1,
        )
        expect((await api('PUT', `/approvals/${facts.pendingApproval}`, { approved: true }))[1]).toMatchObject({
          status: 'approved',
        })
        expect((await api('POST', '/sessions/calls/increment', { amount: 2 }, agent as never))[1]).toMatchObject({
          value: 5,
        })
        expect((await api('PUT', '/contracts/no-keys', { name: 'Still no keys' }))[0]).toBe(200)
        expect((await api('POST', '/compositions/files/deploy', { env: 'production' }))[0]).toBeLessThan(300)
        expect((await api('POST', '/bundles/devops/1/deploy', { env: 'production' }))[0]).toBeLessThan(300)
        expect((await api('POST', '/keys', { env: 'production' }))[0]).toBe(201)
        expect((await api('DELETE', '/settings/purge-events?older_than_days=30'))[1]).toMatchObject({
          deleted_count: 6,
        })
      })
    },
  )
