import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../test/harness.ts'
import { call, until, world } from '../../../test/runtime.ts'

/** A folder of data whose executions have a disk of their own, of 1 MiB: a file system that root may mount. */
function makeHome(): { home: string; isMounted: boolean } {
  const home = mkdtempSync(join(tmpdir(), 'lictor-full-'))
  const executions = join(home, 'executions')
  mkdirSync(executions)
  const mount = ['-t', 'tmpfs', '-o', 'size=1m', 'lictor-test', executions]
  const isMounted = process.platform === 'linux' && spawnSync('mount', mount, { stdio: 'ignore' }).status === 0
  return { home, isMounted }
}
function removeHome({ home, isMounted }: ReturnType<typeof makeHome>): void {
  if (isMounted) spawnSync('umount', [join(home, 'executions')])
  rmSync(home, { recursive: true, force: true })
}
const probe = makeHome()
removeHome(probe)
if (!probe.isMounted) console.warn('A full disk of workspaces is not tested here: no file system can be mounted.')

describe.skipIf(!probe.isMounted)('a disk that is full while an agent works', () => {
  let t: TestServer
  let made: ReturnType<typeof makeHome>
  afterEach(async () => {
    await t.close()
    removeHome(made)
  })
  const open = world(async (environment) => {
    made = makeHome()
    t = await startTestServer({
      environment: { ...environment, LICTOR_SANDBOX: 'process', LICTOR_DATA_DIR: made.home },
    })
    return t
  })

  it('is told to the model; what was there stays, nothing half-written does, and the agent goes on', async () => {
    const big = 'x'.repeat(2 * 1024 ** 2)
    const w = await open(
      [
        call('write_file', { path: 'a.txt', content: 'first' }),
        call('write_file', { path: 'a.txt', content: big }),
        call('write_file', { path: 'deep/b.txt', content: big }),
        call('run_command', { command: 'head -c 2097152 /dev/zero > c.txt; rm c.txt' }),
        call('write_file', { path: 'd.txt', content: 'last' }),
        { text: 'Done.' },
      ],
      { tools: ['write_file', 'run_command'] },
    )
    const { id, answer, events } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', output: 'Done.' })
    const told = w.told(events).slice(1)
    expect(told[1]).toBe("Tool execution error: '/workspace/a.txt' does not fit on the disk.")
    expect(told[2]).toBe("Tool execution error: '/workspace/deep/b.txt' does not fit on the disk.")
    expect(JSON.parse(told[3] ?? '').stderr).toContain('No space left on device')
    expect(readdirSync(w.workspace(id), { recursive: true }).sort()).toEqual(['a.txt', 'd.txt', 'deep'])
    expect(readFileSync(join(w.workspace(id), 'a.txt'), 'utf8')).toBe('first')
  }, 120_000)

  it('keeps a volume from being mounted, which is the reason of the failure; the volume is let go of', async () => {
    const w = await open([{ text: 'Never.' }], {
      volumes: [{ name: 'data', storage_class: 'persistent', mount_path: '/workspace/data' }],
      execution: { mode: 'one-shot' },
    })
    const volume = await t.request({
      method: 'POST',
      url: '/v1/volumes',
      headers: w.headers,
      payload: { label: 'data' },
    })
    const { id } = volume.json<{ id: string }>()
    const sent = await t.request({
      method: 'POST',
      url: `/v1/volumes/${id}/files/upload?path=big`,
      headers: { ...w.headers, 'content-type': 'application/octet-stream' },
      payload: Buffer.alloc(2 * 1024 ** 2),
    })
    expect(sent.statusCode).toBe(200)
    const { answer } = await w.run()
    expect(answer).toMatchObject({
      status: 'failed',
      error: expect.stringContaining(
        "spec.volumes: 'data' cannot be mounted: it does not fit on the disk of the server.",
      ),
    })
    expect(JSON.stringify(answer)).not.toContain(made.home)
    await until(async () => {
      const shown = await t.request({ method: 'GET', url: `/v1/volumes/${id}`, headers: w.headers })
      return shown.json().status === 'available'
    })
  }, 120_000)
})
