import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AegisClient } from '@lictor/aegis'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { serviceHeaders } from '../../../test/runtime.ts'

onEachDatabase('AegisClient and volumes', (start) => {
  let t: TestServer
  const folder = mkdtempSync(join(tmpdir(), 'lictor-client-'))
  afterEach(async () => {
    await t.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('every method does what it says', async () => {
    t = await start()
    const baseUrl = await t.listen()
    const bearerToken = (await serviceHeaders(t)).authorization?.split(' ')[1] ?? ''
    const client = new AegisClient({ baseUrl, bearerToken })
    const made = await client.createVolume({ label: 'data', size_limit_bytes: 100_000_000 })
    expect((await client.listVolumes()).volumes).toEqual([made])
    expect(await client.renameVolume(made.id, { label: 'other' })).toMatchObject({ id: made.id, name: 'other' })
    expect(await client.getVolume(made.id)).toMatchObject({ label: 'other' })

    const bytes = randomBytes(3_000_000)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(folder, 'on disk.bin'), bytes)
    async function* pieces() {
      for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000)
    }
    const told: number[] = []
    const sources = {
      'a/bytes': bytes,
      'a/blob': new Blob([bytes]),
      'a/pieces': pieces(),
      'a/stream': ReadableStream.from(pieces()),
      'a/disk': { path: join(folder, 'on disk.bin') },
    }
    for (const [path, source] of Object.entries(sources))
      expect(await client.uploadFile(made.id, source, path)).toMatchObject({ path, size_bytes: bytes.length, sha256 })
    await client.uploadFile(made.id, { path: join(folder, 'on disk.bin') }, 'a/', {
      onProgress: (sent) => told.push(sent),
    })
    expect([told.at(-1), told.every((sent, index) => index === 0 || sent > (told[index - 1] ?? 0))]).toEqual([
      bytes.length,
      true,
    ])
    expect((await client.listFiles(made.id, 'a')).entries.map(({ name }) => name)).toEqual([
      'blob',
      'bytes',
      'disk',
      'on disk.bin',
      'pieces',
      'stream',
    ])
    expect(Buffer.from(await client.downloadFile(made.id, 'a/pieces')).equals(bytes)).toBe(true)
    const part = await new Response(await client.streamFile(made.id, 'a/disk', { start: 10, end: 19 })).arrayBuffer()
    expect(Buffer.from(part).equals(bytes.subarray(10, 20))).toBe(true)

    await client.mkdir(made.id, 'b')
    expect(await client.movePath(made.id, { from: 'a/blob', to: 'b/moved' })).toMatchObject({ status: 'moved' })
    expect(await client.deletePath(made.id, 'a')).toMatchObject({ status: 'deleted' })
    expect(await client.getVolumeQuota()).toMatchObject({ used_bytes: bytes.length, volume_count: 1 })
    expect(await client.getQuota()).toEqual(await client.getVolumeQuota())
    expect(await client.attachToVolume('chat-attachments', 'hello', 'hello.txt')).toEqual({
      volume_id: 'chat-attachments',
      path: 'hello.txt',
      name: 'hello.txt',
      mime_type: 'text/plain',
      size: 5,
      sha256: createHash('sha256').update('hello').digest('hex'),
    })
    await expect(client.downloadFile(made.id, '../x')).rejects.toMatchObject({ status: 422 })
    expect(await client.listStorageViolations({ limit: 1 })).toMatchObject({ violations: [{ path: '../x' }], count: 1 })
    await expect(client.uploadFile(made.id, { path: join(folder, 'none') })).rejects.toThrow('cannot be read')
    expect(await client.deleteVolume(made.id)).toMatchObject({ status: 'deleted' })
    await expect(client.getVolume(made.id)).rejects.toMatchObject({ status: 404 })
  })
})
