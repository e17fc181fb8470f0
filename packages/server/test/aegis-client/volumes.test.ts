import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConflictError, NotFoundError, PermissionDeniedError } from '@lictor/aegis'
import { afterAll, expect, it } from 'vitest'
import { driveGroup } from './driven.ts'

const digest = (content: string | Buffer) => createHash('sha256').update(content).digest('hex')
const folder = mkdtempSync(join(tmpdir(), 'lictor-client-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

driveGroup('volumes', (open) => {
  it('a volume from its creation to its removal, its files in every form that programs have them', async () => {
    const { client } = await open()
    const made = await client.createVolume({ label: 'data', size_limit_bytes: 100_000_000 })
    expect((await client.listVolumes()).volumes).toEqual([made])
    expect(await client.renameVolume(made.id, { label: 'other' })).toMatchObject({ id: made.id, name: 'other' })
    expect(await client.getVolume(made.id)).toMatchObject({ label: 'other' })

    const bytes = randomBytes(3_000_000)
    const sha256 = digest(bytes)
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
    expect(await client.getVolume(made.id)).toMatchObject({ used_bytes: 6 * bytes.length })

    await client.mkdir(made.id, 'b')
    expect(await client.movePath(made.id, { from: 'a/blob', to: 'b/moved' })).toMatchObject({ status: 'moved' })
    expect(await client.deletePath(made.id, 'a')).toMatchObject({ status: 'deleted' })
    expect(await client.getVolumeQuota()).toMatchObject({ used_bytes: bytes.length, volume_count: 1 })
    expect(await client.getQuota()).toEqual(await client.getVolumeQuota())
    await expect(client.downloadFile(made.id, '../x')).rejects.toMatchObject({ status: 422 })
    expect(await client.listStorageViolations({ limit: 1 })).toMatchObject({ violations: [{ path: '../x' }], count: 1 })
    await expect(client.uploadFile(made.id, { path: join(folder, 'none') })).rejects.toThrow('cannot be read')
    expect(await client.deleteVolume(made.id)).toMatchObject({ status: 'deleted' })
    await expect(client.getVolume(made.id)).rejects.toThrow(NotFoundError)
    await expect(client.downloadFile(made.id, 'b/moved')).rejects.toThrow(NotFoundError)
    expect(await client.getQuota()).toMatchObject({ used_bytes: 0, volume_count: 0 })
  })

  it('folders and files are where they were put, under both names of every field', async () => {
    const { client } = await open()
    const { id } = await client.createVolume({ name: 'seed' })
    expect(await client.mkdir(id, '/deep/er')).toMatchObject({
      status: 'created',
      path: expect.stringContaining('deep/er'),
    })
    await client.mkdir(id, 'deep/er')
    await client.uploadFile(id, 'one', 'deep/a.txt')
    await client.uploadFile(id, 'two', '/deep/a.txt')
    expect(new TextDecoder().decode(await client.downloadFile(id, 'deep/a.txt'))).toBe('two')
    const listed = await client.listFiles(id, '/deep')
    expect(listed.files).toEqual(listed.entries)
    expect(listed.entries.map(({ name, type, is_dir, size_bytes }) => [name, type, is_dir, size_bytes])).toEqual([
      ['a.txt', 'file', false, 3],
      ['er', 'dir', true, expect.any(Number)],
    ])
    const moved = await client.movePath(id, { source: 'deep', destination: 'else' })
    expect(moved).toMatchObject({ status: 'moved', moved_at: expect.stringMatching(/^2026-03-01T12:/) })
    expect((await client.listFiles(id)).entries.map(({ name }) => name)).toEqual(['else'])
    expect(new TextDecoder().decode(await client.downloadFile(id, 'else/a.txt'))).toBe('two')
    await expect(client.downloadFile(id, 'deep/a.txt')).rejects.toThrow(NotFoundError)
    await expect(client.downloadFile(id, 'else')).rejects.toMatchObject({ status: 422 })
    await expect(client.deletePath(id, '/')).rejects.toMatchObject({ status: 422 })
    await client.uploadFile(id, new Uint8Array(), 'empty')
    expect(await client.downloadFile(id, 'empty')).toHaveLength(0)
    await expect(client.createVolume({ label: 'seed' })).rejects.toThrow(ConflictError)
    await expect(client.createVolume({ label: '  ' })).rejects.toMatchObject({ status: 422 })
  })

  it('an attachment is the reference that an execution takes, with a path of the day where none is given', async () => {
    const { client } = await open()
    expect(await client.attachToVolume('chat-attachments', 'hello', 'hello.txt')).toEqual({
      volume_id: 'chat-attachments',
      path: 'hello.txt',
      name: 'hello.txt',
      mime_type: 'text/plain',
      size: 5,
      sha256: digest('hello'),
    })
    const named = await client.attachToVolume('chat-attachments', new File(['grün'], 'Übersicht "1".txt'))
    expect(named).toMatchObject({ name: 'Übersicht "1".txt', size: 5, sha256: digest('grün') })
    expect(named.path).toMatch(/^\/?uploads\/2026-03-01\/Übersicht "1"\.txt$/)
    const [volume] = (await client.listVolumes()).volumes
    expect(new TextDecoder().decode(await client.downloadFile(volume?.id ?? '', named.path))).toBe('grün')
    await expect(client.attachToVolume('another-name', 'x', 'x')).rejects.toMatchObject({
      status: 400,
      code: "expected volume UUID or reserved name 'chat-attachments'",
    })
  })

  it('a volume of another tenant is not there, and what is full or not allowed keeps nothing', async () => {
    const { t, client, account } = await open()
    const { id } = await client.createVolume({ label: 'mine', size_limit_bytes: 10 })
    await client.uploadFile(id, '123', 'a')
    const elsewhere = await account({}, await t.otherTenant())
    for (const call of [
      () => elsewhere.getVolume(id),
      () => elsewhere.renameVolume(id, { label: 'theirs' }),
      () => elsewhere.deleteVolume(id),
      () => elsewhere.listFiles(id),
      () => elsewhere.downloadFile(id, 'a'),
      () => elsewhere.uploadFile(id, 'x', 'a'),
      () => elsewhere.mkdir(id, 'b'),
      () => elsewhere.movePath(id, { from: 'a', to: 'b' }),
      () => elsewhere.deletePath(id, 'a'),
    ])
      await expect(call()).rejects.toThrow(NotFoundError)
    expect(await elsewhere.listVolumes()).toMatchObject({ volumes: [], total_count: 0 })
    expect((await elsewhere.listStorageViolations()).violations).toEqual([])
    await expect(client.uploadFile(id, '12345678', 'b')).rejects.toMatchObject({
      status: 422,
      code: 'storage quota exceeded for tier',
    })
    const reader = await account({ scopes: ['volume:read'] })
    await expect(reader.uploadFile(id, 'x', 'c')).rejects.toThrow(PermissionDeniedError)
    expect((await reader.listFiles(id)).entries.map(({ name, size_bytes }) => [name, size_bytes])).toEqual([['a', 3]])
    await expect(client.renameVolume(id, { label: '' })).rejects.toMatchObject({ status: 422 })
    expect(await client.getVolume(id)).toMatchObject({ label: 'mine', used_bytes: 3, size_limit_bytes: 10 })
  })
})
