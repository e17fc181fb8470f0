import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../test/harness.ts'
import { call, readStream, types, world } from '../../../test/runtime.ts'
import { bubblewrapProblem, findBubblewrap } from '../../adapters/sandbox/bubblewrap.ts'

const problem = await bubblewrapProblem({
  program: findBubblewrap(),
  runDir: mkdtempSync(join(tmpdir(), 'lictor-warm-')),
  node: process.execPath,
})

describe.skipIf(problem !== null)('executions of an agent whose sandboxes wait for them', () => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await startTestServer({ environment: { ...environment, LICTOR_SANDBOX: 'bubblewrap' } })
    return t
  })
  const metric = async (name: string) => {
    const { body } = await t.request({ method: 'GET', url: '/metrics' })
    return Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\d+)$`, 'm').exec(body)?.[1])
  }

  it.each([
    ['node', { language: 'javascript', version: '20' }],
    ['python', { language: 'python', version: '3.12' }],
  ])(
    'run in one that waited, with their own prompt, variables and files, and find nothing of each other (%s)',
    async (_name, runtime) => {
      const command = 'ls -A; ls -A /tmp; echo "$GREETING $AEGIS_EXECUTION_ID $LICTOR_AWAITS_JOB"; touch mine /tmp/mine'
      const w = await open([call('run_command', { command }), { text: 'Done.' }], {
        runtime,
        tools: ['run_command'],
        env: { GREETING: 'hello' },
        advanced: { warm_pool_size: 1 },
        security: { network: { allowlist: ['allowed.example'] } },
      })
      for (const expected of [false, true, true]) {
        const { id, answer, events } = await w.run({ input: `Turn ${expected}` })
        expect(answer).toMatchObject({ status: 'completed', output: 'Done.' })
        expect(events.find(({ type }) => type === 'instance_spawned')).toMatchObject({ warm: expected })
        expect(w.told(events)[0]).toContain(`Turn ${expected}`)
        expect(JSON.parse(w.told(events)[1] ?? '{}').stdout).toBe(`hello ${id} \n`)
        expect(readdirSync(w.workspace(id))).toEqual(['mine'])
        expect(types(events).at(-1)).toBe('execution_completed')
        await expect.poll(() => metric('lictor_sandboxes_waiting')).toBe(1)
      }
      expect(await metric('lictor_sandbox_starts_total{kind="warm"}')).toBe(2)
      const waiting = join(t.environment.LICTOR_DATA_DIR ?? '', 'executions', '.waiting')
      expect(readdirSync(waiting)).toHaveLength(1)
      await t.server.close()
      expect(readdirSync(waiting)).toEqual([])
    },
  )

  it('one that waited is handed the secret as it is now: rotated, the new one; deleted, none', async () => {
    const secret = (method: 'PUT' | 'DELETE', value?: string) =>
      t.request({
        method,
        url: '/v1/secrets/deploy/key',
        headers,
        ...(value === undefined ? {} : { payload: { value } }),
      })
    // What is written of the value is masked, so its length is asked for.
    const w = await open([call('run_command', { command: 'printf %s "$KEY" | wc -c' }), { text: 'Done.' }], {
      tools: ['run_command'],
      env: { KEY: 'secret:deploy/key' },
      advanced: { warm_pool_size: 1 },
    })
    const { headers } = w
    for (const [value, isWarm, version] of [
      ['before-1', false, 1],
      ['after-rotation-2', true, 2],
      ['and-once-more-rotated-3', true, 3],
    ] as const) {
      expect((await secret('PUT', value)).statusCode).toBeLessThan(300)
      const { answer, events } = await w.run()
      expect(answer).toMatchObject({ status: 'completed' })
      expect(events.find(({ type }) => type === 'instance_spawned')).toMatchObject({
        warm: isWarm,
        references: [{ variable: 'KEY', version }],
      })
      expect(JSON.parse(w.told(events)[1] ?? '{}').stdout).toBe(`${value.length}\n`)
      await expect.poll(() => metric('lictor_sandboxes_waiting')).toBe(1)
    }
    expect((await secret('DELETE')).statusCode).toBeLessThan(300)
    const { answer } = await w.run()
    expect(answer).toMatchObject({ status: 'failed', error: expect.stringContaining('deploy/key') })
  })

  it('cancelling ends one that had waited', async () => {
    const w = await open([call('run_command', { command: 'sleep 1000' }), { text: 'never' }], {
      tools: ['run_command'],
      advanced: { warm_pool_size: 1 },
    })
    for (const _ of [1, 2]) {
      const id = await w.start()
      const path = `/v1/executions/${id}/stream`
      await readStream(w.address, path, w.headers, ({ type }) => type === 'command_execution_started')
      await t.request({ method: 'POST', url: `/v1/executions/${id}/cancel`, headers: w.headers, payload: {} })
      expect(types(await w.events(id)).at(-1)).toBe('execution_cancelled')
      await expect.poll(() => metric('lictor_sandboxes_waiting')).toBe(1)
    }
    expect(await metric('lictor_sandbox_starts_total{kind="warm"}')).toBe(1)
  })
})
