import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { startTestServer, type TestServer } from '../../../test/harness.ts'
import { openSse, type SseClient } from '../../../test/sse-client.ts'
import { createInProcessBus } from '../../adapters/bus/in-process.ts'
import type { Bus } from '../../ports/bus.ts'

const base = inject('postgresUrl')

describe.skipIf(base === '')('two processes on one database', () => {
  const running: TestServer[] = []
  const open: SseClient[] = []
  let database = ''
  afterEach(async () => {
    for (const client of open.splice(0)) client.close()
    for (const server of running.splice(0)) await server.close()
    await administer(`drop database if exists ${database} with (force)`)
  })

  async function administer(statement: string): Promise<void> {
    const client = new pg.Client({ connectionString: `${base}/postgres` })
    await client.connect()
    await client.query(statement)
    await client.end()
  }

  /** One network between both; closing one end leaves the other. */
  const endOf = (bus: Bus): Bus => ({ ...bus, close: async () => {} })

  async function startBoth(): Promise<[TestServer, TestServer]> {
    database = `t_${randomUUID().replaceAll('-', '')}`
    await administer(`create database ${database}`)
    const environment = { DATABASE_URL: `${base}/${database}`, LICTOR_MASTER_KEY: '7'.repeat(64) }
    const bus = createInProcessBus()
    const one = await startTestServer({ environment, overrides: { bus: endOf(bus) } })
    const two = await startTestServer({ environment, overrides: { bus: endOf(bus) } })
    running.push(one, two)
    return [one, two]
  }

  const post = async (t: TestServer, path: string, headers: Record<string, string>, payload: object) => {
    const answer = await t.request({ method: 'POST', url: `/api/v1${path}`, headers, payload })
    if (answer.statusCode >= 300) throw new Error(`${path} answered ${answer.statusCode}: ${answer.body}`)
    return answer.json()
  }

  it('a deploy on one reaches the agents of both, and each knows the agents of the other', async () => {
    const [one, two] = await startBoth()
    const admin = await one.admin()
    const key = await one.agent()
    const addresses = [await one.listen(), await two.listen()]
    const clients: SseClient[] = []
    for (const [index, address] of addresses.entries())
      clients.push(
        await openSse(`${address}/api/v1/stream?env=production&bundle_name=devops`, {
          ...key,
          'x-edictum-agent-id': `agent-${index}`,
        }),
      )
    open.push(...clients)
    const { revision_hash } = await post(one, '/bundles', admin, { yaml_content: bundleYaml('devops') })
    for (const server of [two, one, two, two, one])
      await post(server, '/bundles/devops/1/deploy', admin, { env: 'production' })
    for (const client of clients) {
      const ids: number[] = []
      while (ids.length < 5) ids.push(Number((await client.next()).id))
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
    }

    const event = {
      call_id: 'c',
      agent_id: 'agent-0',
      tool_name: 't',
      verdict: 'call_allowed',
      mode: 'enforce',
      timestamp: '2026-03-01T12:00:00Z',
      payload: { policy_version: revision_hash },
    }
    await post(two, '/events', key, { events: [event] })
    await Promise.all([one.clock.advance(1_000), two.clock.advance(1_000)])
    const status = async (t: TestServer) =>
      (await t.request({ method: 'GET', url: '/api/v1/agents/status', headers: admin }))
        .json()
        .agents.map((agent: { agent_id: string; status: string }) => `${agent.agent_id} ${agent.status}`)
        .sort()
    for (const server of [one, two])
      await expect
        .poll(async () => {
          await Promise.all([one.clock.advance(1_000), two.clock.advance(1_000)])
          return status(server)
        })
        .toEqual(['agent-0 current', 'agent-1 unknown'])
  })
})
