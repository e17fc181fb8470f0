import { describe, expect, test } from 'vitest'
import { GovernanceTelemetry, type TelemetryApi } from './telemetry.ts'
import { approve, deny, guardFrom, ScriptedApprovals } from './testing/guards.ts'

interface Recorded {
  tracer: string
  name: string
  attributes: Record<string, unknown>
  status: { code: number; message?: string } | null
  ended: number
}

function recorder() {
  const spans: Recorded[] = []
  const counts: [string, number, unknown][] = []
  const api: TelemetryApi = {
    trace: {
      getTracer: (tracer) => ({
        startSpan: (name, options) => {
          const span: Recorded = { tracer, name, attributes: { ...options?.attributes }, status: null, ended: 0 }
          spans.push(span)
          return {
            setAttribute: (key, value) => {
              span.attributes[key] = value
            },
            setStatus: (status) => {
              span.status = status
            },
            end: () => {
              span.ended++
            },
          }
        },
      }),
    },
    metrics: {
      getMeter: () => ({
        createCounter: (name) => ({ add: (value, attributes) => void counts.push([name, value, attributes]) }),
      }),
    },
  }
  const tool = () => spans.find((span) => span.tracer === 'edictum') as Recorded
  const evaluations = () => spans.filter((span) => span.name === 'edictum.evaluate')
  return { telemetry: new GovernanceTelemetry(api), spans, counts, tool, evaluations }
}

const rules = [deny('no-env', 'read_file', '.env'), approve('ask', 'deploy')]

describe('telemetry', () => {
  test('the tool span of every ending ends once, with its status', async () => {
    const cases: readonly {
      tool: string
      args: { path: string }
      run: () => unknown
      status: number
      action: string
    }[] = [
      { tool: 'read_file', args: { path: 'a' }, run: () => 1, status: 1, action: 'allowed' },
      { tool: 'read_file', args: { path: '.env' }, run: () => 1, status: 2, action: 'denied' },
      { tool: 'read_file', args: { path: 'a' }, run: () => 'error: x', status: 2, action: 'allowed' },
      { tool: 'deploy', args: { path: 'a' }, run: () => 1, status: 1, action: 'approved' },
    ]
    for (const { tool, args, run, status, action } of cases) {
      const record = recorder()
      const { guard } = guardFrom(rules, {
        telemetry: record.telemetry,
        approvalBackend: new ScriptedApprovals({ approved: true, status: 'approved' }),
      })
      await guard.run(tool, args, run).catch(() => {})
      expect(record.tool()).toMatchObject({ name: `tool.execute ${tool}`, ended: 1, status: { code: status } })
      expect(record.tool().attributes).toMatchObject({
        'tool.name': tool,
        'governance.action': action,
        'edictum.policy_version': guard.policyVersion,
      })
    }
  })

  test('it ends, too, when storage fails before the call or after it', async () => {
    for (const failing of [':attempts', ':execs']) {
      const record = recorder()
      const { guard } = guardFrom(rules, {
        telemetry: record.telemetry,
        backend: {
          get: () => null,
          set: () => {},
          delete: () => {},
          increment: async (key) => {
            if (key.endsWith(failing)) throw new Error('storage')
            return 1
          },
        },
      })
      await expect(guard.run('t', {}, () => 1)).rejects.toThrow('storage')
      expect(record.tool().ended).toBe(1)
    }
  })

  test('each event is a span of its own; refusals are errors, a failed tool is not', async () => {
    const record = recorder()
    const { guard } = guardFrom(rules, {
      telemetry: record.telemetry,
      principal: { role: 'dev', userId: '' },
      approvalBackend: new ScriptedApprovals({ status: 'denied' }),
    })
    await guard.run('read_file', { path: 'a', password: 'p' }, () => 'error: x').catch(() => {})
    await guard.run('read_file', { path: '.env' }, () => 1).catch(() => {})
    await guard.run('deploy', { path: 'a' }, () => 1).catch(() => {})
    expect(
      record.evaluations().map((span) => [span.attributes['edictum.verdict'], span.status?.code, span.ended]),
    ).toEqual([
      ['call_allowed', 1, 1],
      ['call_failed', 1, 1],
      ['call_denied', 2, 1],
      ['call_approval_requested', 1, 1],
      ['call_approval_denied', 2, 1],
    ])
    expect(record.evaluations()[0]?.attributes).toMatchObject({
      'edictum.tool.name': 'read_file',
      'edictum.tool.args': '{"path":"a","password":"[REDACTED]"}',
      'edictum.decision.source': '',
      'edictum.principal.role': 'dev',
      'edictum.mode': 'enforce',
    })
    expect(record.evaluations()[0]?.attributes).not.toHaveProperty('edictum.principal.user_id')
    expect(record.evaluations()[2]).toMatchObject({ status: { message: '.env is off limits (no-env).' } })
  })

  test('counters carry the tool’s name and nothing else', async () => {
    const record = recorder()
    const { guard } = guardFrom(rules, { telemetry: record.telemetry })
    await guard.run('read_file', { path: 'a' }, () => 1)
    await guard.run('read_file', { path: '.env' }, () => 1).catch(() => {})
    expect(record.counts).toEqual([
      ['edictum.calls.allowed', 1, { 'tool.name': 'read_file' }],
      ['edictum.calls.denied', 1, { 'tool.name': 'read_file' }],
    ])
  })

  test('without an API, and with a broken one, calls run as ever', async () => {
    const broken = () => {
      throw new Error('exporter')
    }
    const apis: TelemetryApi[] = [
      {},
      { trace: { getTracer: broken }, metrics: { getMeter: broken } },
      { trace: { getTracer: () => ({ startSpan: broken }) } },
      { trace: { getTracer: () => ({ startSpan: () => ({ setAttribute: broken, setStatus: broken, end: broken }) }) } },
    ]
    for (const api of apis) {
      expect(await guardFrom(rules, { telemetry: new GovernanceTelemetry(api) }).guard.run('t', {}, () => 1)).toBe(1)
    }
  })
})
