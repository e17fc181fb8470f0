import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { motoServer, type S3Server, startMoto, startVersity, versityBinary } from '../../../test/s3.ts'
import { BlobKeyRefused, type Blobs, BlobTooLarge } from '../../ports/blobs.ts'
import { createFolderBlobs } from './folder.ts'
import { createS3Blobs } from './s3.ts'

const MIB = 1024 ** 2

async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part
}
async function* zeros(size: number, failure?: Error): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.alloc(64 * 1024, 'z')
  for (let left = size; left > 0; left -= chunk.length) yield chunk.subarray(0, Math.min(left, chunk.length))
  if (failure) throw failure
}

interface Opened {
  readonly blobs: Blobs
  /** What uploads that did not end have left in the store. */
  leftovers(): Promise<number>
  /** Leave what an upload that was cut off leaves, as of an hour ago where the store lets us say so. */
  leaveHalf(key?: string): Promise<void>
  close(): Promise<void>
}

function openFolder(): Opened {
  const root = mkdtempSync(join(tmpdir(), 'lictor-blobs-'))
  const drafts = join(root, '.drafts')
  return {
    blobs: createFolderBlobs(root),
    leftovers: async () => (existsSync(drafts) ? readdirSync(drafts).length : 0),
    async leaveHalf(key = 'k/o/half') {
      mkdirSync(drafts, { recursive: true })
      const half = join(drafts, `${createHash('sha256').update(key).digest('hex')}-half`)
      writeFileSync(half, 'ha')
      utimesSync(half, Date.now() / 1000 - 3600, Date.now() / 1000 - 3600)
    },
    close: async () => rmSync(root, { recursive: true, force: true }),
  }
}

const openS3 = (start: () => Promise<S3Server>) => async (): Promise<Opened> => {
  const server = await start()
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = server
  const client = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
  })
  const blobs = createS3Blobs({ ...server, prefix: 'below/' })
  return {
    blobs,
    leftovers: async () =>
      (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0,
    async leaveHalf(key = 'k/o/half') {
      await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: `below/${key}` }))
    },
    async close() {
      client.destroy()
      await server.stop()
    },
  }
}

const stores: readonly { name: string; isThere: boolean; open: () => Opened | Promise<Opened> }[] = [
  { name: 'a folder', isThere: true, open: openFolder },
  { name: 'S3 (moto)', isThere: motoServer !== null, open: openS3(startMoto) },
  { name: 'S3 (versitygw)', isThere: versityBinary !== null, open: openS3(startVersity) },
]

describe.each(stores)('blobs in $name', ({ isThere, open }) => {
  if (!isThere) return it.skip('is not installed', () => {})
  let opened: Opened
  let blobs: Blobs
  beforeAll(async () => {
    opened = await open()
    blobs = opened.blobs
    await blobs.check()
  })
  afterAll(() => opened?.close())

  const read = async (key: string, range?: { start: number; end: number }) => {
    const blob = await blobs.get(key, range)
    if (!blob) return null
    const parts: Buffer[] = []
    for await (const part of blob.content) parts.push(part as Buffer)
    return Buffer.concat(parts)
  }
  const keys = async (prefix: string) => {
    const found: string[] = []
    for await (const { key } of blobs.list(prefix)) found.push(key)
    return found
  }

  it('what was put is there, whole, with its size', async () => {
    expect(await blobs.put('k/o/a', chunks('hal', '', 'lo'))).toEqual({ size: 5 })
    expect(String(await read('k/o/a'))).toBe('hallo')
    expect(await blobs.head('k/o/a')).toEqual({ size: 5 })
  })

  it('a blob without bytes is one', async () => {
    expect(await blobs.put('k/o/empty', chunks())).toEqual({ size: 0 })
    expect(await blobs.head('k/o/empty')).toEqual({ size: 0 })
    expect((await read('k/o/empty'))?.length).toBe(0)
  })

  it('one of several parts is what came, byte for byte, and its ranges are those of the whole', async () => {
    const whole = Buffer.alloc(33 * MIB + 7)
    for (let at = 0; at < whole.length; at += 4096) whole.writeUInt32BE(at, at)
    const pieces = Array.from({ length: 34 }, (_, index) => whole.subarray(index * MIB, (index + 1) * MIB))
    expect(await blobs.put('k/o/large', chunks(...pieces))).toEqual({ size: whole.length })
    expect((await read('k/o/large'))?.equals(whole)).toBe(true)
    for (const [start, end] of [
      [0, 0],
      [4095, 4100],
      [16 * MIB - 3, 16 * MIB + 3],
      [whole.length - 1, whole.length - 1],
      [0, whole.length - 1],
    ] as const)
      expect((await read('k/o/large', { start, end }))?.equals(whole.subarray(start, end + 1))).toBe(true)
    const part = await blobs.get('k/o/large', { start: 1, end: 2 })
    part?.content.destroy()
    expect(part?.size).toBe(whole.length)
  })

  it('a piece that the store says it needs no longer can be used again', async () => {
    const piece = (index: number) => Buffer.from(new ArrayBuffer(300_000)).fill(index)
    async function* pieces() {
      for (let index = 0; index < 20; index++) yield piece(index)
    }
    await blobs.put('k/o/released', pieces(), { release: (each) => void each.fill(255) })
    expect(
      (await read('k/o/released'))?.equals(Buffer.concat(Array.from({ length: 20 }, (_, index) => piece(index)))),
    ).toBe(true)
  })

  it('bytes that it does not have are refused', async () => {
    await blobs.put('k/o/five', chunks('hallo'))
    await blobs.put('k/o/none', chunks())
    await expect(blobs.get('k/o/five', { start: 0, end: 5 })).rejects.toThrow(RangeError)
    await expect(blobs.get('k/o/five', { start: 5, end: 5 })).rejects.toThrow(RangeError)
    await expect(blobs.get('k/o/none', { start: 0, end: 0 })).rejects.toThrow(RangeError)
  })

  it('what there is not is null, and its deletion is no error', async () => {
    expect(await blobs.get('k/o/missing')).toBeNull()
    expect(await blobs.get('k/o/missing', { start: 0, end: 1 })).toBeNull()
    expect(await blobs.head('k/o/missing')).toBeNull()
    await blobs.delete('k/o/missing')
    await blobs.delete('k/nobody/missing')
  })

  it('what is put again takes the place of what was there', async () => {
    await blobs.put('k/o/again', chunks('first, and longer'))
    await blobs.put('k/o/again', chunks('second'))
    expect(String(await read('k/o/again'))).toBe('second')
  })

  it('what is deleted is gone', async () => {
    await blobs.put('k/gone/a', chunks('a'))
    await blobs.delete('k/gone/a')
    expect(await blobs.head('k/gone/a')).toBeNull()
    expect(await keys('k/gone/')).toEqual([])
  })

  it.each([3, 20 * MIB])('more than the limit of %i is refused while it comes, and nothing is there', async (limit) => {
    const before = await opened.leftovers()
    let given = 0
    async function* counting() {
      for await (const chunk of zeros(limit + 60 * MIB)) {
        given += chunk.length
        yield chunk
      }
    }
    await expect(blobs.put('k/o/toolarge', counting(), { limit })).rejects.toThrow(BlobTooLarge)
    expect(given).toBeLessThanOrEqual(limit + MIB)
    expect(await blobs.head('k/o/toolarge')).toBeNull()
    expect(await opened.leftovers()).toBe(before)
    expect(await blobs.put('k/o/exact', zeros(limit), { limit })).toEqual({ size: limit })
  })

  it.each([0, 3, 20 * MIB])('a source that fails after %i bytes leaves what was there before', async (size) => {
    await blobs.put('k/o/kept', chunks('before'))
    const before = await opened.leftovers()
    const failure = new Error('the client went away')
    await expect(blobs.put('k/o/kept', zeros(size, failure))).rejects.toBe(failure)
    expect(String(await read('k/o/kept'))).toBe('before')
    expect(await opened.leftovers()).toBe(before)
  })

  it('a blob is not there before all of it has come', async () => {
    let seen: unknown = 'not looked'
    async function* looking() {
      yield* zeros(20 * MIB)
      seen = [await blobs.head('k/o/growing'), (await keys('k/o/growing')).length]
      yield Buffer.from('end')
    }
    await blobs.put('k/o/growing', looking())
    expect(seen).toEqual([null, 0])
    expect(await blobs.head('k/o/growing')).toEqual({ size: 20 * MIB + 3 })
  })

  it('what an upload that was cut off left behind is removed, once it is old', async () => {
    await opened.leaveHalf()
    expect(await blobs.reap(0)).toBe(0)
    expect(await blobs.reap(Date.now() + 60_000)).toBe(1)
    expect(await opened.leftovers()).toBe(0)
  })

  it('what is left of one key is removed without what grows for others', async () => {
    let seen: unknown = 'not looked'
    async function* growing() {
      yield* zeros(6 * MIB)
      await opened.leaveHalf('k/o/half')
      const late = Date.now() + 60_000
      seen = [await blobs.reap(late, 'k/o/hal'), await blobs.reap(0, 'k/o/half'), await blobs.reap(late, 'k/o/half')]
      yield* zeros(6 * MIB)
    }
    expect(await blobs.put('k/o/growing', growing())).toEqual({ size: 12 * MIB })
    expect(seen).toEqual([0, 0, 1])
    expect(await opened.leftovers()).toBe(0)
  })

  it('blobs are listed in the order of the bytes of their keys', async () => {
    const names = ['B', 'a', 'a-', 'a.b', 'ä', 'ﬁ', '😀', 'Z', 'zz', 'a b']
    for (const name of names) await blobs.put(`list/${name}/x`, chunks(name))
    await blobs.put('list/a/y', chunks('y'))
    const sorted = [...names.map((name) => `list/${name}/x`), 'list/a/y'].sort((a, b) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    )
    expect(await keys('list/')).toEqual(sorted)
    expect(await keys('list/a')).toEqual(sorted.filter((key) => key.startsWith('list/a')))
    expect(await keys('list/a/')).toEqual(['list/a/x', 'list/a/y'])
    expect(await keys('list/a/y')).toEqual(['list/a/y'])
    expect(await keys('nothing/')).toEqual([])
  })

  it('more blobs than fit one answer of a server are all listed', async () => {
    const names = Array.from({ length: 1005 }, (_, index) => `many/all/${String(index).padStart(4, '0')}`)
    for (let at = 0; at < names.length; at += 67)
      await Promise.all(names.slice(at, at + 67).map((key) => blobs.put(key, chunks('m'))))
    expect(await keys('many/')).toEqual(names)
  })

  it('a hundred are put and deleted at once', async () => {
    const many = Array.from({ length: 100 }, (_, index) => `par/owner/${index}`)
    await Promise.all(many.map((key) => blobs.put(key, chunks(key)).then(() => blobs.delete(key))))
    expect(await keys('par/')).toEqual([])
  })

  it.each([
    '',
    'a',
    'a/b',
    'a/b/c/d',
    '/b/c',
    'a//c',
    'a/b/',
    '../b/c',
    'a/../c',
    'a/b/.c',
    'a/b\\/c',
    'a/b%/c',
    'a/b/\0',
    `a/b/${'c'.repeat(201)}`,
    'a/b/\ud800',
  ])('the key %j is refused by every method', async (key) => {
    await expect(blobs.put(key, chunks('x'))).rejects.toThrow(BlobKeyRefused)
    await expect(blobs.get(key)).rejects.toThrow(BlobKeyRefused)
    await expect(blobs.head(key)).rejects.toThrow(BlobKeyRefused)
    await expect(blobs.delete(key)).rejects.toThrow(BlobKeyRefused)
  })
})

describe('a store that cannot be used', () => {
  const options = { bucket: 'b', region: 'us-east-1', accessKeyId: 'a', secretAccessKey: 'b', prefix: '' }

  it('a folder that cannot be made is named', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'lictor-blobs-')), 'file')
    writeFileSync(file, '')
    await expect(createFolderBlobs(join(file, 'blobs')).check()).rejects.toThrow(/LICTOR_BLOBS_DIR/)
  })

  it('an S3 server that does not answer is named, and later calls are unavailable', async () => {
    const blobs = createS3Blobs({ ...options, endpoint: 'http://127.0.0.1:1' })
    await expect(blobs.check()).rejects.toThrow(/LICTOR_S3_ENDPOINT/)
    await expect(blobs.head('a/b/c')).rejects.toMatchObject({ code: 'blobs_unavailable', status: 503 })
  })

  it.skipIf(motoServer === null)('a bucket that is not there is named', async () => {
    const server = await startMoto()
    try {
      await expect(createS3Blobs({ ...server, bucket: 'other', prefix: '' }).check()).rejects.toThrow(
        /'other'.*does not exist/,
      )
    } finally {
      await server.stop()
    }
  })

  it.skipIf(versityBinary === null)('a wrong secret is named', async () => {
    const server = await startVersity()
    try {
      await expect(createS3Blobs({ ...server, secretAccessKey: 'wrong', prefix: '' }).check()).rejects.toThrow(
        /LICTOR_S3_SECRET_ACCESS_KEY/,
      )
    } finally {
      await server.stop()
    }
  })
})
