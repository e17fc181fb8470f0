import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { administrator, type ServerProcess, startServer } from './support/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'lictor-full-'))
const mount = (...options: string[]): boolean =>
  process.platform === 'linux' && spawnSync('mount', [...options, folder], { stdio: 'ignore' }).status === 0
/** A disk of its own needs a file system that root may mount. */
const hasDisk = mount('-t', 'tmpfs', '-o', 'size=32m', 'lictor-test')

afterAll(() => {
  if (hasDisk) spawnSync('umount', [folder])
})

describe.skipIf(!hasDisk)('a disk that fills up', () => {
  let server: ServerProcess

  const report = (key: string, id: number) =>
    fetch(`${server.url}/api/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        events: [
          {
            call_id: `call-${id}`,
            agent_id: 'agent',
            tool_name: 'read_file',
            verdict: 'call_allowed',
            mode: 'enforce',
            timestamp: new Date(Date.UTC(2026, 0, 1) + id).toISOString(),
            payload: { text: 'x'.repeat(256 * 1024) },
          },
        ],
      }),
    })

  it('refuses for now, says so, starts again without a byte of room, and keeps all that was acknowledged', async () => {
    server = await startServer({ dataDir: folder })
    const person = await administrator(server.url)
    const key = await person.createKey()
    let kept = 0
    let refused: Response | null = null
    while (refused === null && kept < 500) {
      const answer = await report(key, kept)
      if (answer.status === 200) kept += 1
      else refused = answer
    }
    expect(kept).toBeGreaterThan(10)
    expect([refused?.status, refused?.headers.get('retry-after')]).toEqual([503, '30'])
    expect((await fetch(`${server.url}/api/v1/health/ready`)).status).toBe(503)
    expect(await (await fetch(`${server.url}/api/v1/health`)).json()).toMatchObject({ status: 'degraded' })

    const filler = openSync(join(folder, 'filler'), 'w')
    expect(() => {
      for (;;) writeSync(filler, Buffer.alloc(4096))
    }).toThrow(/ENOSPC/)
    closeSync(filler)
    await server.kill()
    server = await startServer({ dataDir: folder })
    expect((await fetch(`${server.url}/api/v1/health/live`)).status).toBe(200)
    expect((await fetch(`${server.url}/api/v1/health/ready`)).status).toBe(503)

    expect(mount('-o', 'remount,size=96m')).toBe(true)
    expect((await fetch(`${server.url}/api/v1/health/ready`)).status).toBe(200)
    expect((await report(key, kept)).status).toBe(200)
    const again = await administrator(server.url)
    const found = new Set<string>()
    let before = ''
    for (;;) {
      const page = await again.call<{ call_id: string; timestamp: string }[]>(
        'GET',
        `/api/v1/events?limit=100${before}`,
      )
      for (const event of page) found.add(event.call_id)
      const last = page.at(-1)
      if (!last || page.length === 0) break
      const next = `&until=${encodeURIComponent(last.timestamp)}`
      if (next === before) break
      before = next
    }
    expect(found.size).toBe(kept + 1)
    await server.stop()
  })
})
