import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { root } from './support/server.ts'

/** Series with their values, in promtool's notation: `0+60x60` counts up by 60 a minute, `1x60` stays. */
type Series = Readonly<Record<string, string>>

interface Case {
  /** The condition as it should alarm, and as it should not. Of an hour, a value a minute. */
  readonly fires: Series
  readonly quiet: Series
  /** Labels that say what it is about. */
  readonly labels?: Readonly<Record<string, string>>
  /** Minute at which it is looked at. */
  readonly at?: number
}

const requests = (status: string, route: string, values: string): Series => ({
  [`lictor_http_request_seconds_count{instance="a",method="GET",route="${route}",status="${status}"}`]: values,
})
/** A histogram that counts 60 a minute, of which these parts lie within each bound. */
const histogram = (name: string, labels: string, within: Readonly<Record<string, number>>): Series =>
  Object.fromEntries(
    Object.entries({ ...within, '+Inf': 60 }).map(([le, count]) => [
      `${name}_bucket{${labels},le="${le}"}`,
      `0+${count}x60`,
    ]),
  )
const ingest = 'method="POST",route="/api/v1/events",status="200",instance="a"'
const aiCalls = (failed: number, answered: number): Series => ({
  'lictor_ai_calls_total{provider="openai",outcome="failed"}': `0+${failed}x60`,
  'lictor_ai_calls_total{provider="openai",outcome="answered"}': `0+${answered}x60`,
})

const cases: Readonly<Record<string, Case>> = {
  LictorDown: {
    fires: { 'up{job="lictor",instance="a"}': '0x60' },
    quiet: { 'up{job="lictor",instance="a"}': '1x60', 'up{job="other",instance="a"}': '0x60' },
    labels: { job: 'lictor', instance: 'a' },
  },
  LictorWorkerFails: {
    fires: { 'lictor_worker_up{instance="a",worker="purge"}': '0x60' },
    // One turn that fails and goes well the next time.
    quiet: { 'lictor_worker_up{instance="a",worker="purge"}': '1x38 0x1 1x20' },
    labels: { instance: 'a', worker: 'purge' },
  },
  LictorServerErrors: {
    fires: requests('500', '/api/v1/agents', '0+1x60'),
    quiet: { ...requests('500', '/api/v1/agents', '7x60'), ...requests('200', '/api/v1/agents', '0+1x60') },
    labels: { route: '/api/v1/agents' },
  },
  LictorUnavailable: {
    fires: requests('503', '/api/v1/agents', '0+1x60'),
    quiet: requests('503', '/api/v1/health/ready', '0+1x60'),
    labels: { instance: 'a' },
  },
  LictorRefusesRequests: {
    fires: requests('429', '/api/v1/events', '0+90x60'),
    quiet: requests('429', '/api/v1/events', '0+30x60'),
    labels: { route: '/api/v1/events' },
  },
  LictorSlowIngest: {
    fires: histogram('lictor_http_request_seconds', ingest, { '0.1': 0, '0.5': 50, '1': 60 }),
    quiet: histogram('lictor_http_request_seconds', ingest, { '0.1': 58, '0.5': 60, '1': 60 }),
  },
  LictorIngestBacklog: {
    fires: { 'lictor_ingest_waiting_bytes{instance="a"}': '40000000x60' },
    quiet: { 'lictor_ingest_waiting_bytes{instance="a"}': '30000000x60' },
    labels: { instance: 'a' },
  },
  LictorEventsSentTwice: {
    fires: { lictor_events_duplicate_total: '0+30x60', lictor_events_ingested_total: '0+100x60' },
    quiet: { lictor_events_duplicate_total: '0+10x60', lictor_events_ingested_total: '0+100x60' },
  },
  LictorApprovalsWait: {
    fires: { 'lictor_approvals_oldest_seconds{instance="a"}': '601x60' },
    quiet: { 'lictor_approvals_oldest_seconds{instance="a"}': '599x60' },
  },
  LictorApprovalsTimeOut: {
    fires: { 'lictor_approvals_total{status="timeout"}': '0+1x60' },
    quiet: { 'lictor_approvals_total{status="timeout"}': '3x60', 'lictor_approvals_total{status="denied"}': '0+1x60' },
  },
  LictorOutboxStuck: {
    fires: { 'lictor_outbox_oldest_seconds{instance="a"}': '301x60' },
    quiet: { 'lictor_outbox_oldest_seconds{instance="a"}': '12x60' },
  },
  LictorNotificationsLost: {
    fires: { 'lictor_notifications_given_up_total{type="slack"}': '0x35 1x25' },
    quiet: { 'lictor_notifications_given_up_total{type="slack"}': '1x60' },
  },
  LictorAgentsDisconnect: {
    fires: { 'lictor_agent_streams{instance="a"}': '100x20 40x40' },
    quiet: { 'lictor_agent_streams{instance="a"}': '100x20 60x40' },
    at: 23,
  },
  LictorModelsFail: {
    fires: aiCalls(3, 7),
    quiet: aiCalls(1, 9),
    labels: { provider: 'openai' },
  },
  LictorDatabaseCrowded: {
    fires: { 'lictor_database_waiting{instance="a"}': '3x60' },
    quiet: { 'lictor_database_waiting{instance="a"}': '0x37 3x2 0x21' },
    labels: { instance: 'a' },
  },
  LictorBusSlow: {
    fires: histogram('lictor_bus_lag_seconds', 'instance="a"', { '0.5': 50, '1': 60 }),
    quiet: histogram('lictor_bus_lag_seconds', 'instance="a"', { '0.5': 60, '1': 60 }),
    labels: { instance: 'a' },
  },
  LictorBusy: {
    fires: { 'nodejs_eventloop_lag_p99_seconds{job="lictor",instance="a"}': '0.3x60' },
    quiet: { 'nodejs_eventloop_lag_p99_seconds{job="lictor",instance="a"}': '0.02x60' },
    labels: { job: 'lictor', instance: 'a' },
  },
  LictorMemoryGrows: {
    fires: { 'process_resident_memory_bytes{job="lictor",instance="a"}': '1200000000x60' },
    quiet: { 'process_resident_memory_bytes{job="lictor",instance="a"}': '300000000x60' },
    labels: { job: 'lictor', instance: 'a' },
  },
}

interface Rule {
  readonly alert: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string }
}

const file = join(root, 'docs/prometheus-alerts.yml')
const rules = (parse(readFileSync(file, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
)
const isInstalled = spawnSync('promtool', ['--version']).status === 0
if (!isInstalled && process.env.CI) throw new Error('promtool is missing: install the package prometheus.')

describe.skipIf(!isInstalled)('the alert rules of the documentation, as Prometheus reads them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lictor-alerts-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('every rule has a case', () => {
    expect(Object.keys(cases)).toEqual(rules.map((rule) => rule.alert))
  })

  it.each(rules)('$alert alarms when it should, and only then', ({ alert, labels, annotations }) => {
    const { fires, quiet, labels: about = {}, at = 40 } = cases[alert] as Case
    const summary = annotations.summary.replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, name: string) => about[name] ?? '')
    const alarm = { exp_labels: { ...labels, ...about }, exp_annotations: { summary } }
    const test = (series: Series, expected: readonly object[]) => ({
      interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      alert_rule_test: [{ eval_time: `${at}m`, alertname: alert, exp_alerts: expected }],
    })
    const path = join(folder, `${alert}.yaml`)
    const tests = [test(fires, [alarm]), test(quiet, [])]
    writeFileSync(path, stringify({ rule_files: [file], evaluation_interval: '1m', tests }))
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', path], { encoding: 'utf8' })
    expect({ status, output: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, output: '' })
  })

  it('the file is well-formed', () => {
    expect(execFileSync('promtool', ['check', 'rules', file], { encoding: 'utf8' })).toContain('SUCCESS')
  })
})
