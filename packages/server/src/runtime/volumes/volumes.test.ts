import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { onEachDatabase, type Start, startTestServer, type TestServer } from '../../../test/harness.ts'
import { serviceHeaders, until } from '../../../test/runtime.ts'

const MIB = 1024 ** 2
type Headers = Record<string, string>

/** A form as clients write it: names as they are, in UTF-8. */
function form(parts: readonly { name: string; filename?: string; type?: string; content: string | Buffer }[]) {
  const boundary = 'XboundaryX'
  const pieces = parts.flatMap(({ name, filename, type, content }) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}\r\n${type ? `Content-Type: ${type}\r\n` : ''}\r\n`,
    ),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ])
  const payload = Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)])
  return { payload, headers: { 'content-type': `multipart/form-data; boundary=${boundary}` } }
}

function world(start: Start) {
  let t: TestServer
  return {
    close: () => t.close(),
    async open(environment: Record<string, string> = {}) {
      t = await start({ environment })
      const headers = await serviceHeaders(t)
      const call = async (
        method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
        url: string,
        payload?: object,
        as: Headers = headers,
      ) => {
        const answer = await t.request({ method, url: `/v1${url}`, headers: as, ...(payload ? { payload } : {}) })
        return { status: answer.statusCode, body: answer.json() as Record<string, unknown>, answer }
      }
      const upload = async (volume: string, path: string, content: string | Buffer, as: Headers = headers) => {
        const { payload, headers: types } = form([
          { name: 'path', content: path },
          { name: 'file', filename: 'f', content },
        ])
        const answer = await t.request({
          method: 'POST',
          url: `/v1/volumes/${volume}/files/upload`,
          headers: { ...as, ...types },
          payload,
        })
        return { status: answer.statusCode, body: answer.json() as Record<string, unknown> }
      }
      const send = async (volume: string, parts: Parameters<typeof form>[0], query = '') => {
        const { payload, headers: types } = form(parts)
        const answer = await t.request({
          method: 'POST',
          url: `/v1/volumes/${volume}/files/upload${query}`,
          headers: { ...headers, ...types },
          payload,
        })
        return { status: answer.statusCode, body: answer.json() as Record<string, unknown> }
      }
      const download = (volume: string, path: string, more: Headers = {}) =>
        t.request({
          method: 'GET',
          url: `/v1/volumes/${volume}/files/download?path=${encodeURIComponent(path)}`,
          headers: { ...headers, ...more },
        })
      const create = async (label: string, size?: number) => {
        const made = await call('POST', '/volumes', { label, ...(size ? { size_limit_bytes: size } : {}) })
        if (made.status !== 201) throw new Error(JSON.stringify(made.body))
        return String(made.body.id)
      }
      const used = async (volume: string) => Number((await call('GET', `/volumes/${volume}`)).body.used_bytes)
      /** Files under every path, and their sizes. */
      const tree = async (volume: string, folder = '/'): Promise<Record<string, number>> => {
        const { body } = await call('GET', `/volumes/${volume}/files?path=${encodeURIComponent(folder)}`)
        const found: Record<string, number> = {}
        for (const entry of body.entries as { path: string; is_dir: boolean; size_bytes: number }[])
          if (entry.is_dir) Object.assign(found, { [`${entry.path}/`]: 0 }, await tree(volume, entry.path))
          else found[entry.path] = entry.size_bytes
        return found
      }
      const rows = async (table: 'volume_uploads' | 'volume_garbage' | 'volume_files' | 'storage_violations') =>
        t.server.database.db.selectFrom(table).selectAll().execute()
      const blobs = () => {
        const folder = join(t.environment.LICTOR_DATA_DIR ?? '', 'blobs')
        return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
      }
      const violations = async () =>
        (await call('GET', '/storage/violations')).body.violations as { category: string }[]
      return { t, headers, call, upload, send, download, create, used, tree, rows, blobs, violations }
    },
  }
}

onEachDatabase('volumes', (start) => {
  const w = world(start)
  afterEach(() => w.close())

  it('are made, listed, read, renamed and deleted, under both names of every generation', async () => {
    const { call } = await w.open()
    const made = await call('POST', '/volumes', { name: ' data ' })
    expect(made).toMatchObject({
      status: 201,
      body: { name: 'data', label: 'data', status: 'available', size_limit_bytes: 1024 ** 3, used_bytes: 0 },
    })
    const id = made.body.id
    await call('POST', '/volumes', { label: 'more', size_limit_bytes: 5 })
    expect((await call('GET', '/volumes')).body).toMatchObject({
      volumes: [{ id }, { label: 'more', size_limit_bytes: 5 }],
      items: [{}, {}],
      count: 2,
      total_count: 2,
      total_quota_bytes: Number.MAX_SAFE_INTEGER,
    })
    expect((await call('GET', '/volumes?limit=1')).body).toMatchObject({ count: 1, total_count: 2 })
    expect((await call('GET', `/volumes/${id}`)).body).toEqual(made.body)
    expect((await call('PATCH', `/volumes/${id}`, { label: 'other' })).body).toMatchObject({ id, name: 'other' })
    expect((await call('DELETE', `/volumes/${id}`)).body).toEqual({ status: 'deleted', success: true, id })
    expect(await call('GET', `/volumes/${id}`)).toMatchObject({
      status: 404,
      body: { error: `volume not found: ${id}` },
    })
    expect((await call('GET', '/volumes/quota')).body).toEqual({
      quota_bytes: Number.MAX_SAFE_INTEGER,
      used_bytes: 0,
      volume_count: 1,
      volume_limit: Number.MAX_SAFE_INTEGER,
      total_bytes_used: 0,
      total_storage_bytes: Number.MAX_SAFE_INTEGER,
      max_volumes: Number.MAX_SAFE_INTEGER,
      max_file_size_bytes: Number.MAX_SAFE_INTEGER,
    })
  })

  it('bad input is named: label, size, id', async () => {
    const { call, create } = await w.open()
    const id = await create('a')
    for (const body of [{}, { label: '' }, { label: '  ' }, { label: 'a\nb' }, { label: 'x'.repeat(256) }])
      expect(await call('POST', '/volumes', body)).toMatchObject({ status: 422, body: { error: 'invalid_label' } })
    for (const size_limit_bytes of [0, -1, 1.5, 1e300])
      expect(await call('POST', '/volumes', { label: 'b', size_limit_bytes })).toMatchObject({ status: 422 })
    expect(await call('POST', '/volumes', { label: 'a' })).toMatchObject({
      status: 409,
      body: { error: "volume with name 'a' already exists" },
    })
    expect(await call('PATCH', `/volumes/${id}`, {})).toMatchObject({ status: 422 })
    await create('b')
    expect(await call('PATCH', `/volumes/${id}`, { label: 'b' })).toMatchObject({ status: 409 })
    expect(await call('GET', '/volumes/none')).toMatchObject({ status: 400 })
    for (const url of ['', '/files', '/files/stat?path=x', '/files/download?path=x'])
      expect(await call('GET', `/volumes/00000000-0000-4000-8000-000000000000${url}`)).toMatchObject({ status: 404 })
  })

  it('a tier bounds how many there are, what they may hold together, and the largest file', async () => {
    const { call, create, upload } = await w.open({ LICTOR_VOLUME_TIER: 'free' })
    const first = await create('a', 400 * MIB)
    expect(await call('POST', '/volumes', { label: 'b', size_limit_bytes: 101 * MIB })).toMatchObject({
      status: 422,
      body: { error: 'storage quota exceeded for tier' },
    })
    expect((await call('POST', '/volumes', { label: 'b' })).body).toMatchObject({ size_limit_bytes: 100 * MIB })
    expect(await call('POST', '/volumes', { label: 'c', size_limit_bytes: 1 })).toMatchObject({
      status: 422,
      body: { error: 'volume count quota exceeded for tier' },
    })
    const tooLarge = await upload(first, 'f', Buffer.alloc(50 * MIB + 1))
    expect(tooLarge).toMatchObject({ status: 413, body: { error: `upload exceeds tier cap of ${50 * MIB} bytes` } })
    expect(String(tooLarge.body.message)).toContain('LICTOR_VOLUME_TIER')
    expect(await upload(first, 'f', Buffer.alloc(50 * MIB))).toMatchObject({ status: 200 })
  })

  it('volumes made side by side stay within the quota together', async () => {
    const { call } = await w.open({ LICTOR_VOLUME_TIER: 'pro' })
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        call('POST', '/volumes', { label: `v${index}`, size_limit_bytes: 1024 ** 3 }),
      ),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10)
    expect(await Promise.all([1, 2, 3].map(() => call('POST', '/volumes', { label: 'same' })))).toMatchObject([
      { status: 422 },
      { status: 422 },
      { status: 422 },
    ])
  })

  it('what one tenant has is not there for another, and each try is recorded for neither but told to none', async () => {
    const { t, create, upload, call } = await w.open()
    const id = await create('mine')
    await upload(id, 'secret', 'mine')
    const other = await t.otherTenant()
    for (const [method, url, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { label: 'x' }],
      ['DELETE', '', undefined],
      ['GET', '/files', undefined],
      ['GET', '/files/download?path=secret', undefined],
      ['GET', '/files/stat?path=secret', undefined],
      ['POST', '/files/mkdir', { path: 'x' }],
      ['POST', '/files/move', { from: 'secret', to: 'x' }],
      ['DELETE', '/files?path=secret', undefined],
    ] as const)
      expect(await call(method, `/volumes/${id}${url}`, body, other)).toMatchObject({
        status: 404,
        body: { error: `volume not found: ${id}` },
      })
    expect(await upload(id, 'secret', 'theirs', other)).toMatchObject({ status: 404 })
    expect((await call('GET', '/volumes', undefined, other)).body.volumes).toEqual([])
    expect((await call('GET', '/volumes/quota', undefined, other)).body).toMatchObject({ used_bytes: 0 })
  })

  it('a token without the scope neither reads nor writes', async () => {
    const { t, create, call, upload } = await w.open()
    const id = await create('a')
    const reader = await serviceHeaders(t, { scopes: ['volume:read'] })
    expect(await call('GET', `/volumes/${id}/files`, undefined, reader)).toMatchObject({ status: 200 })
    expect(await call('POST', '/volumes', { label: 'b' }, reader)).toMatchObject({
      status: 403,
      body: { required: 'volume:write' },
    })
    expect(await upload(id, 'f', 'x', reader)).toMatchObject({ status: 403 })
    expect(await upload(id, 'f', 'x', {})).toMatchObject({ status: 401 })
  })
})

onEachDatabase('uploads', (start) => {
  const w = world(start)
  afterEach(() => w.close())

  it('a form with its path before the file, after it, or in the query; a body with a name', async () => {
    const { t, headers, create, send, download, tree } = await w.open()
    const id = await create('a')
    const file = (filename: string | undefined, content = 'hello') => ({
      name: 'file',
      ...(filename === undefined ? {} : { filename }),
      content,
    })
    expect(await send(id, [{ name: 'path', content: '/docs/one.txt' }, file('x.txt')])).toMatchObject({
      status: 200,
      body: {
        volume_id: id,
        path: 'docs/one.txt',
        name: 'x.txt',
        mime_type: 'text/plain',
        size: 5,
        size_bytes: 5,
        sha256: createHash('sha256').update('hello').digest('hex'),
      },
    })
    expect((await send(id, [file('x.txt'), { name: 'path', content: 'docs/two.txt' }])).body.path).toBe('docs/two.txt')
    expect((await send(id, [file('blob')], '?path=docs/three.txt')).body).toMatchObject({
      path: 'docs/three.txt',
      name: 'blob',
    })
    expect((await send(id, [file(undefined, 'bytes')], '?path=docs/four.bin')).body).toMatchObject({
      path: 'docs/four.bin',
      name: 'four.bin',
    })
    expect((await send(id, [{ name: 'path', content: 'docs/' }, file('five.txt')])).body.path).toBe('docs/five.txt')
    const today = new Date(t.clock.now()).toISOString().slice(0, 10)
    expect((await send(id, [file('six.txt')])).body.path).toBe(`uploads/${today}/six.txt`)
    const raw = await t.request({
      method: 'POST',
      url: `/v1/volumes/${id}/files/upload?path=docs/`,
      headers: { ...headers, 'content-type': 'application/octet-stream', 'x-filename': 's%C3%A9ven.txt' },
      payload: Buffer.from('seven'),
    })
    expect(raw.json()).toMatchObject({ path: 'docs/séven.txt', name: 'séven.txt', size: 5 })
    expect((await download(id, 'docs/séven.txt')).body).toBe('seven')
    expect(Object.keys(await tree(id)).filter((path) => !path.endsWith('/'))).toHaveLength(7)
  })

  it('names are what their senders wrote, in UTF-8', async () => {
    const { create, send, download } = await w.open()
    const id = await create('a')
    for (const [sent, meant] of [
      ['naïve – 文書 😀.txt', 'naïve – 文書 😀.txt'],
      ['a %22b%22.txt', 'a "b".txt'],
    ] as const) {
      expect(
        (
          await send(id, [
            { name: 'path', content: 'in/' },
            { name: 'file', filename: sent, content: 'x' },
          ])
        ).body,
      ).toMatchObject({
        path: `in/${meant}`,
        name: meant,
      })
      const answer = await download(id, `in/${meant}`)
      expect([answer.statusCode, answer.headers['content-disposition']]).toEqual([
        200,
        `attachment; filename*=UTF-8''${encodeURIComponent(meant)}`,
      ])
    }
  })

  it('names that are none are passed over, and the file is called by its path', async () => {
    const { create, send } = await w.open()
    const id = await create('a')
    for (const filename of ['', '.', '..', 'a/b', 'a\\\\b', 'x'.repeat(256)])
      expect(
        (
          await send(id, [
            { name: 'path', content: 'dir/real.txt' },
            { name: 'file', filename, content: 'x' },
          ])
        ).body,
      ).toMatchObject({
        path: 'dir/real.txt',
        name: 'real.txt',
      })
  })

  it('what a file is, is seen from its bytes', async () => {
    const { create, send } = await w.open()
    const id = await create('a')
    const typeOf = async (filename: string, content: string | Buffer) =>
      (
        await send(id, [
          { name: 'path', content: filename },
          { name: 'file', filename, type: 'text/html', content },
        ])
      ).body.mime_type
    expect(await typeOf('a.txt', '%PDF-1.7 …')).toBe('application/pdf')
    expect(await typeOf('a.bin', Buffer.from('89504e470d0a1a0a', 'hex'))).toBe('image/png')
    expect(await typeOf('a.json', '{"a":1}')).toBe('application/json')
    expect(await typeOf('a.csv', 'a,b\n1,2')).toBe('text/csv')
    expect(await typeOf('a.png', 'no picture')).toBe('text/plain')
    expect(await typeOf('a.bin', Buffer.from([0, 1, 2, 255]))).toBe('application/octet-stream')
  })

  it('a file without bytes is one; a form without a file is refused', async () => {
    const { create, send, tree, t, headers } = await w.open()
    const id = await create('a')
    expect(
      (
        await send(id, [
          { name: 'path', content: 'empty' },
          { name: 'file', filename: 'e', content: '' },
        ])
      ).body,
    ).toMatchObject({ size: 0 })
    for (const parts of [[], [{ name: 'path', content: 'x' }], [{ name: 'other', filename: 'f', content: 'x' }]])
      expect(await send(id, parts)).toMatchObject({ status: 422, body: { error: 'multipart body contained no file' } })
    const broken = await t.request({
      method: 'POST',
      url: `/v1/volumes/${id}/files/upload?path=x`,
      headers: { ...headers, 'content-type': 'multipart/form-data' },
      payload: 'x',
    })
    expect(broken.statusCode).toBe(400)
    expect(await tree(id)).toEqual({ '/empty': 0 })
  })

  it('a file of an existing name is replaced at once, and its room is given back', async () => {
    const { create, upload, download, used, blobs, rows } = await w.open()
    const id = await create('a', 1000)
    await upload(id, 'f', 'x'.repeat(900))
    expect(await upload(id, 'f', 'y'.repeat(1000))).toMatchObject({ status: 200 })
    expect((await download(id, 'f')).body).toBe('y'.repeat(1000))
    expect(await used(id)).toBe(1000)
    await until(async () => blobs() === 1 && (await rows('volume_garbage')).length === 0)
    expect(await upload(id, 'f/below', 'x')).toMatchObject({ status: 409 })
    await upload(id, 'f', '')
    await upload(id, 'd/x', 'x')
    expect(await upload(id, 'd', 'x')).toMatchObject({ status: 409, body: { error: 'is_a_folder' } })
    expect(await rows('volume_uploads')).toEqual([])
  })

  it('what does not fit is refused with the numbers, and leaves nothing', async () => {
    const { create, upload, used, blobs, rows, violations, tree } = await w.open()
    const id = await create('a', 100)
    await upload(id, 'a', 'x'.repeat(60))
    expect(await upload(id, 'b', 'x'.repeat(41))).toMatchObject({
      status: 422,
      body: { error: 'storage quota exceeded for tier', requested_bytes: 41, available_bytes: 40 },
    })
    expect([await used(id), await rows('volume_uploads'), await tree(id)]).toEqual([60, [], { '/a': 60 }])
    expect(await violations()).toMatchObject([
      { category: 'quota_exceeded', operation: 'quota', volume_id: id, path: 'b' },
    ])
    await until(async () => blobs() === 1)
    expect(await upload(id, 'b', 'x'.repeat(40))).toMatchObject({ status: 200 })
  })

  it('refusals are listed of one volume alone, page by page', async () => {
    const { create, upload, call } = await w.open()
    const [one, other] = [await create('a', 10), await create('b', 10)]
    for (const name of ['1', '2', '3']) await upload(one, name, 'x'.repeat(11))
    await upload(other, '4', 'x'.repeat(11))
    const paths = async (query: string) => {
      const { body } = await call('GET', `/storage/violations${query}`)
      return (body.violations as { path: string }[]).map(({ path }) => path)
    }
    expect(await paths('')).toEqual(['4', '3', '2', '1'])
    expect(await paths(`?volume_id=${one}`)).toEqual(['3', '2', '1'])
    expect(await paths(`?volume_id=${one.toUpperCase()}&limit=1&offset=1`)).toEqual(['2'])
    expect(await paths('?offset=3')).toEqual(['1'])
    expect(await paths('?offset=9')).toEqual([])
    expect(await call('GET', '/storage/violations?volume_id=a')).toMatchObject({ status: 400 })
    expect(await call('GET', '/storage/violations?offset=-1')).toMatchObject({ status: 400 })
  })

  it('uploads side by side: as many as fit succeed, and the limit is never exceeded', async () => {
    const { create, upload, used, rows, tree } = await w.open()
    const id = await create('a', 1000)
    const answers = await Promise.all(Array.from({ length: 30 }, (_, index) => upload(id, `f${index}`, 'x'.repeat(90))))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(11)
    expect(answers.filter(({ status }) => status === 422)).toHaveLength(19)
    expect([await used(id), Object.keys(await tree(id)).length, await rows('volume_uploads')]).toEqual([990, 11, []])
    // Larger than what a form has around its file.
    const larger = await create('b', 100_000)
    const large = await Promise.all(Array.from({ length: 10 }, (_, n) => upload(larger, `f${n}`, 'x'.repeat(30_000))))
    expect(large.map(({ status }) => status).sort()).toEqual([200, 200, 200, ...Array(7).fill(422)])
    expect([await used(larger), await rows('volume_uploads')]).toEqual([90_000, []])
    // What is left is taken to its last byte, though the form around it is larger.
    expect(await upload(larger, 'last', 'x'.repeat(10_000))).toMatchObject({ status: 200 })
    expect(await upload(larger, 'last', 'y'.repeat(10_000))).toMatchObject({ status: 200 })
    expect([await used(larger), await rows('volume_uploads')]).toEqual([100_000, []])
  })

  it('uploads side by side to one path: one of them is there, whole, and counted once', async () => {
    const { create, upload, used, download, blobs, rows } = await w.open()
    const id = await create('a', 1000)
    await upload(id, 'f', 'o'.repeat(700))
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => upload(id, 'f', String(index).repeat(300 + index))),
    )
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0)
    const { body } = await download(id, 'f')
    expect(body).toMatch(/^(\d)\1+$/)
    expect(await used(id)).toBe(body.length)
    await until(async () => blobs() === 1 && (await rows('volume_garbage')).length === 0)
  })

  it('what is used is the sum of the files after any sequence of changes', async () => {
    const { create, upload, call, used, tree, blobs, rows } = await w.open()
    const id = await create('a', 5000)
    const name = fc.constantFrom('a', 'b', 'd/a', 'd/b', 'd/e/a', 'c')
    const step = fc.oneof(
      fc.tuple(fc.constant('write'), name, fc.integer({ min: 0, max: 2000 })),
      fc.tuple(fc.constant('move'), name, name),
      fc.tuple(fc.constant('delete'), fc.oneof(name, fc.constant('d')), fc.constant('')),
      fc.tuple(fc.constant('mkdir'), fc.constantFrom('d', 'd/e', 'f'), fc.constant('')),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        for (const [kind, first, second] of steps) {
          if (kind === 'write') await upload(id, String(first), 'x'.repeat(Number(second)))
          if (kind === 'move') await call('POST', `/volumes/${id}/files/move`, { from: first, to: second })
          if (kind === 'delete') await call('DELETE', `/volumes/${id}/files?path=${first}`)
          if (kind === 'mkdir') await call('POST', `/volumes/${id}/files/mkdir`, { path: first })
        }
        const files = await tree(id)
        const sum = Object.values(files).reduce((total, size) => total + size, 0)
        expect(await used(id)).toBe(sum)
        expect(sum).toBeLessThanOrEqual(5000)
        const isFile = ([path]: [string, number]) => !path.endsWith('/')
        await until(async () => (await rows('volume_garbage')).length === 0)
        expect(blobs()).toBe(Object.entries(files).filter(isFile).length)
      }),
      { numRuns: 12 },
    )
  })

  it('an upload that is cut off half-way leaves nothing, with and without an announced length', async () => {
    const { t, headers, create, rows, blobs, used, tree, upload } = await w.open()
    const address = new URL(await t.listen())
    const id = await create('a')
    await upload(id, 'there', 'before')
    const begin = Buffer.from(
      '--b\r\nContent-Disposition: form-data; name="path"\r\n\r\nthere\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n',
    )
    for (const kind of ['form, chunked', 'form, announced', 'bytes, chunked', 'bytes, announced']) {
      const isForm = kind.startsWith('form')
      const path = isForm ? '' : '?path=there'
      const request = httpRequest({
        host: address.hostname,
        port: address.port,
        method: 'POST',
        path: `/v1/volumes/${id}/files/upload${path}`,
        headers: {
          ...headers,
          'content-type': isForm ? 'multipart/form-data; boundary=b' : 'application/octet-stream',
          ...(kind.endsWith('announced') ? { 'content-length': 50 * MIB } : {}),
        },
      })
      request.on('error', () => {})
      if (isForm) request.write(begin)
      request.write(randomBytes(10 * MIB))
      // It has come so far that room is promised, and bytes are in the store.
      await until(async () => (await rows('volume_uploads')).some((upload) => upload.held_bytes >= 8 * MIB))
      request.destroy()
      await until(async () => (await rows('volume_uploads')).length === 0 && blobs() === 1)
      expect([kind, await used(id), await tree(id)]).toEqual([kind, 6, { '/there': 6 }])
    }
  })

  it('a form that ends before its last boundary is no upload', async () => {
    const { t, headers, create, tree, rows } = await w.open()
    const id = await create('a')
    const { payload, headers: types } = form([
      { name: 'path', content: 'f' },
      { name: 'file', filename: 'f', content: 'x'.repeat(1000) },
    ])
    const answer = await t.request({
      method: 'POST',
      url: `/v1/volumes/${id}/files/upload`,
      headers: { ...headers, ...types },
      payload: payload.subarray(0, payload.length - 500),
    })
    expect(answer.statusCode).toBe(400)
    expect([await tree(id), await rows('volume_uploads')]).toEqual([{}, []])
  })

  it.each([
    ['with it', 'an upload that is longer than it announced is refused, and nothing of it is kept'],
    ['after its answer', 'an upload that was answered is whole, and what comes behind it ends the connection'],
  ])('the surplus comes %s: %s', async (when) => {
    const { t, headers, create, tree, rows } = await w.open()
    const address = new URL(await t.listen())
    const id = await create('a')
    const socket = connect(Number(address.port), address.hostname)
    const lines = [
      `POST /v1/volumes/${id}/files/upload?path=f HTTP/1.1`,
      `host: ${address.host}`,
      `authorization: ${headers.authorization}`,
      'content-type: application/octet-stream',
      'content-length: 5',
    ]
    const isAtOnce = when === 'with it'
    socket.write(`${lines.join('\r\n')}\r\n\r\nhello${isAtOnce ? ' world' : ''}`)
    let text = ''
    // The server closes the connection: no second request is found in what was sent.
    for await (const chunk of socket) {
      text += String(chunk)
      if (!isAtOnce && text.endsWith('}')) socket.write(' world')
    }
    const surplus =
      'HTTP/1.1 400 Bad Request\r\nContent-Length: 65\r\nContent-Type: application/json\r\n\r\n{"error":"Bad Request","message":"Client Error","statusCode":400}'
    if (isAtOnce) expect(text).toBe(surplus)
    else {
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
      expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toMatch(/"size":5,/)
      expect(text.endsWith(surplus)).toBe(true)
    }
    await until(async () => (await rows('volume_uploads')).length === 0)
    expect(await tree(id)).toEqual(isAtOnce ? {} : { '/f': 5 })
  })

  it('a file that is too large for the tier is refused before it has come, also where it announced nothing', async () => {
    const { t, headers, create, tree, rows, blobs } = await w.open({ LICTOR_VOLUME_TIER: 'free' })
    const address = new URL(await t.listen())
    const id = await create('a')
    for (const length of [{ 'content-length': String(60 * MIB) }, {}]) {
      const request = httpRequest({
        host: address.hostname,
        port: address.port,
        method: 'POST',
        path: `/v1/volumes/${id}/files/upload?path=f`,
        headers: { ...headers, 'content-type': 'application/octet-stream', ...length },
      })
      request.on('error', () => {})
      const answered = once(request, 'response') as Promise<[import('node:http').IncomingMessage]>
      const chunk = Buffer.alloc(MIB)
      let sent = 0
      const push = () => {
        while (sent < 60 * MIB) {
          sent += chunk.length
          if (!request.write(chunk)) {
            request.once('drain', push)
            return
          }
        }
        request.end()
      }
      // Who announced too much is answered before it has sent anything.
      if ('content-length' in length) request.flushHeaders()
      else push()
      const [response] = await answered
      const body: Buffer[] = []
      response.on('data', (part: Buffer) => body.push(part))
      if ('content-length' in length) request.destroy()
      else await once(response, 'end')
      expect(response.statusCode).toBe(413)
      request.destroy()
    }
    expect(await tree(id)).toEqual({})
    await until(async () => (await rows('volume_uploads')).length === 0 && blobs() === 0)
  })

  it('an upload into a volume that is deleted meanwhile ends with not found, and leaves nothing', async () => {
    const { t, headers, create, call, rows, blobs } = await w.open()
    const address = new URL(await t.listen())
    const id = await create('a')
    const request = httpRequest({
      host: address.hostname,
      port: address.port,
      method: 'POST',
      path: `/v1/volumes/${id}/files/upload?path=f`,
      headers: { ...headers, 'content-type': 'application/octet-stream' },
    })
    const answered = once(request, 'response') as Promise<[import('node:http').IncomingMessage]>
    request.write(Buffer.alloc(9 * MIB))
    await until(async () => (await rows('volume_uploads')).some((upload) => upload.held_bytes >= 8 * MIB))
    expect(await call('DELETE', `/volumes/${id}`)).toMatchObject({ status: 200 })
    request.end(Buffer.alloc(1))
    const [response] = await answered
    expect(response.statusCode).toBe(404)
    response.resume()
    await until(async () => (await rows('volume_uploads')).length === 0 && blobs() === 0)
    expect(await rows('volume_files')).toEqual([])
  })

  it('what a server that was killed left half-way is taken back by the next sweep, after an hour', async () => {
    const { t, create, upload, rows, call } = await w.open()
    const id = await create('a', 100)
    const { db } = t.server.database
    await db
      .insertInto('volume_uploads')
      .values({
        id: 'dead',
        volume_id: id,
        blob_key: `volumes/${id}/dead`,
        held_bytes: 80,
        credit_bytes: 0,
        credit_key: null,
        touched_at: t.clock.now() * 1000,
      })
      .execute()
    await db.updateTable('volumes').set({ reserved_bytes: 80 }).where('id', '=', id).execute()
    expect(await upload(id, 'f', 'x'.repeat(50))).toMatchObject({ status: 422, body: { available_bytes: 20 } })
    await t.clock.advance(3_000_000)
    expect(await rows('volume_uploads')).toHaveLength(1)
    await t.clock.advance(1_000_000)
    await until(async () => (await rows('volume_uploads')).length === 0)
    // The token has run out meanwhile.
    const fresh = await serviceHeaders(t)
    expect(await upload(id, 'f', 'x'.repeat(100), fresh)).toMatchObject({ status: 200 })
    expect((await call('GET', `/volumes/${id}`, undefined, fresh)).body).toMatchObject({ used_bytes: 100 })
  })

  it('chat-attachments is a volume of the caller’s own, made by the first upload', async () => {
    const { call, send, upload, download } = await w.open()
    const [first, second] = await Promise.all([
      upload('chat-attachments', 'a.txt', 'a'),
      send('chat-attachments', [{ name: 'file', filename: 'b.txt', content: 'b' }]),
    ])
    expect([first.status, second.status]).toEqual([200, 200])
    expect(first.body.volume_id).toBe(second.body.volume_id)
    expect((await download(String(first.body.volume_id), 'a.txt')).body).toBe('a')
    expect((await call('GET', '/volumes/quota')).body).toMatchObject({ volume_count: 0, used_bytes: 2 })
    expect(await upload('something', 'a', 'a')).toMatchObject({
      status: 400,
      body: { error: "expected volume UUID or reserved name 'chat-attachments'" },
    })
    expect(await call('GET', '/volumes/chat-attachments')).toMatchObject({ status: 400 })
    expect(await call('POST', '/volumes', { label: 'chat-attachments' })).toMatchObject({ status: 409 })
  })
})

onEachDatabase('files of a volume', (start) => {
  const w = world(start)
  afterEach(() => w.close())

  it('folders are made, listed, moved and deleted with all that is in them', async () => {
    const { call, create, upload, tree, used } = await w.open()
    const id = await create('a')
    const files = `/volumes/${id}/files`
    expect((await call('POST', `${files}/mkdir`, { path: '/a/b' })).body).toMatchObject({
      path: '/a/b',
      status: 'created',
      success: true,
    })
    expect((await call('POST', `${files}/mkdir?path=a%2Fb`, {})).status).toBe(200)
    await upload(id, 'a/b/c.txt', 'ccc')
    await upload(id, 'a/ünï/😀/d', 'dd')
    expect((await call('GET', files)).body).toMatchObject({
      path: '/',
      count: 1,
      entries: [{ name: 'a', path: '/a', type: 'dir', is_dir: true }],
      files: [{}],
      items: [{}],
    })
    expect((await call('GET', `${files}?path=a/b/`)).body.entries).toMatchObject([
      { name: 'c.txt', path: '/a/b/c.txt', type: 'file', size_bytes: 3 },
    ])
    expect(await call('POST', `${files}/move`, { from: '/a', to: 'x/y' })).toMatchObject({
      status: 200,
      body: { from: '/a', to: '/x/y', source: '/a', destination: '/x/y', status: 'moved' },
    })
    expect(await tree(id)).toEqual({
      '/x/': 0,
      '/x/y/': 0,
      '/x/y/b/': 0,
      '/x/y/b/c.txt': 3,
      '/x/y/ünï/': 0,
      '/x/y/ünï/😀/': 0,
      '/x/y/ünï/😀/d': 2,
    })
    await upload(id, 'x/yz', 'kept')
    expect((await call('DELETE', `${files}?path=x/y`)).body).toEqual({ status: 'deleted', success: true, path: '/x/y' })
    expect([await tree(id), await used(id)]).toEqual([{ '/x/': 0, '/x/yz': 4 }, 4])
  })

  it('what cannot be done is told, and changes nothing', async () => {
    const { call, create, upload, tree } = await w.open()
    const id = await create('a')
    const files = `/volumes/${id}/files`
    await upload(id, 'd/f', 'x')
    await upload(id, 'g', 'y')
    const before = await tree(id)
    const move = (from: string, to: string) => call('POST', `${files}/move`, { source: from, destination: to })
    for (const [answer, status] of [
      [await move('none', 'x'), 404],
      [await move('g', 'd/f'), 409],
      [await move('d', 'd/e'), 422],
      [await move('/', 'x'), 422],
      [await move('g', 'd/f/x'), 409],
      [await call('POST', `${files}/move`, { from: 'g' }), 422],
      [await call('POST', `${files}/mkdir`, { path: 'g' }), 409],
      [await call('POST', `${files}/mkdir`, {}), 422],
      [await call('GET', `${files}?path=g`), 422],
      [await call('GET', `${files}?path=none`), 404],
      [await call('GET', `${files}/stat?path=none`), 404],
      [await call('GET', `${files}/stat?path=d`), 422],
      [await call('GET', `${files}/stat`), 400],
      [await call('GET', `${files}/download`), 400],
      [await call('GET', `${files}/download?path=d`), 422],
      [await call('DELETE', `${files}?path=/`), 422],
      [await call('DELETE', files), 400],
      [await call('DELETE', `${files}?path=none`), 404],
    ] as const)
      expect([status, answer.body]).toEqual([answer.status, expect.objectContaining({ error: expect.any(String) })])
    expect(await tree(id)).toEqual(before)
  })

  const escapes = [
    '../x',
    'a/../b',
    '..%2fx',
    '%2e%2e/x',
    '%2e%2e%2fx%zz',
    'a\\..\\b',
    '/../x',
    `${'a/'.repeat(2048)}b`,
  ]
  it('every route refuses every path that climbs, each leaving exactly one violation and no change', async () => {
    const { call, create, upload, send, tree, violations, rows } = await w.open()
    const id = await create('a')
    await upload(id, 'f', 'x')
    const files = `/volumes/${id}/files`
    let count = 0
    for (const path of escapes) {
      const query = `path=${encodeURIComponent(path)}`
      const tries = [
        () => call('GET', `${files}?${query}`),
        () => call('GET', `${files}/stat?${query}`),
        () => call('GET', `${files}/download?${query}`),
        () => call('DELETE', `${files}?${query}`),
        () => call('POST', `${files}/mkdir`, { path }),
        () => call('POST', `${files}/move`, { from: path, to: 'x' }),
        () => call('POST', `${files}/move`, { from: 'f', to: path }),
        () => send(id, [{ name: 'file', filename: 'f', content: 'x' }], `?${query}`),
        () =>
          send(id, [
            { name: 'path', content: path },
            { name: 'file', filename: 'f', content: 'x' },
          ]),
        () =>
          send(id, [
            { name: 'file', filename: 'f', content: 'x' },
            { name: 'path', content: path },
          ]),
      ]
      for (const attempt of tries) {
        expect([path, await attempt()]).toMatchObject([path, { status: 422, body: { error: 'invalid_path' } }])
        expect((await rows('storage_violations')).length).toBe(++count)
      }
    }
    expect(await tree(id)).toEqual({ '/f': 1 })
    expect((await violations())[0]).toMatchObject({
      category: 'path_traversal_blocked',
      type: 'path_traversal_blocked',
      operation: 'path_traversal',
      execution_id: '',
      volume_id: id,
    })
  })

  it('a path with NUL reaches nothing', async () => {
    const { call, create, send, tree } = await w.open()
    const id = await create('a')
    const files = `/volumes/${id}/files`
    for (const attempt of [
      call('GET', `${files}?path=a%00b`),
      call('GET', `${files}/download?path=a%00b`),
      call('DELETE', `${files}?path=a%00b`),
      call('POST', `${files}/mkdir`, { path: 'a\0b' }),
      send(id, [{ name: 'file', filename: 'f', content: 'x' }], '?path=a%00b'),
      send(id, [
        { name: 'path', content: 'a\0b' },
        { name: 'file', filename: 'f', content: 'x' },
      ]),
    ])
      expect(await attempt).toMatchObject({ status: 422 })
    expect(await tree(id)).toEqual({})
  })

  it('odd names are names like any other', async () => {
    const { create, upload, download, tree } = await w.open()
    const id = await create('a')
    for (const path of ['a..b', '...', 'a b', '%41', "it's", 'workspace/x', '/./a//deep', '100%', 'ünï', '_', '%'])
      expect([path, (await upload(id, path, path)).status, (await download(id, path)).body]).toEqual([path, 200, path])
    expect(Object.keys(await tree(id))).toContain('/workspace/x')
  })

  it('what was refused is for operators', async () => {
    const { t, call } = await w.open()
    expect(await call('GET', '/storage/violations', undefined, await t.member())).toMatchObject({
      status: 403,
      body: { error: 'operator_required' },
    })
    for (const path of ['/storage/violations', '/observability/storage-violations?limit=5'])
      expect((await call('GET', path)).body).toEqual({ violations: [], items: [], count: 0 })
    expect(await call('GET', '/storage/violations?limit=x')).toMatchObject({ status: 400 })
  })
})

onEachDatabase('downloads', (start) => {
  const w = world(start)
  afterEach(() => w.close())

  it('the bytes with their length, kind and digest; never run by a browser', async () => {
    const { create, upload, download } = await w.open()
    const id = await create('a')
    const { body } = await upload(id, 'page.html', '<script>1</script>')
    const answer = await download(id, '/page.html')
    expect(answer.body).toBe('<script>1</script>')
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-length': '18',
      'content-disposition': "attachment; filename*=UTF-8''page.html",
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
      etag: `"${body.sha256}"`,
    })
    await upload(id, 'x.unknown', '')
    expect((await download(id, 'x.unknown')).headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '0',
    })
  })

  it.each([
    ['bytes=0-0', 206, 'a', 'bytes 0-0/10'],
    ['bytes=2-4', 206, 'cde', 'bytes 2-4/10'],
    ['bytes=7-', 206, 'hij', 'bytes 7-9/10'],
    ['bytes=7-99', 206, 'hij', 'bytes 7-9/10'],
    ['bytes=-3', 206, 'hij', 'bytes 7-9/10'],
    ['bytes=-99', 206, 'abcdefghij', 'bytes 0-9/10'],
    ['bytes=10-', 416, null, 'bytes */10'],
    ['bytes=-0', 416, null, 'bytes */10'],
    ['bytes=4-2', 200, 'abcdefghij', undefined],
    ['bytes=0-1,3-4', 200, 'abcdefghij', undefined],
    ['lines=0-1', 200, 'abcdefghij', undefined],
    ['bytes=', 200, 'abcdefghij', undefined],
  ])('the range %s is answered with %i', async (range, status, content, told) => {
    const { create, upload, download } = await w.open()
    const id = await create('a')
    await upload(id, 'f', 'abcdefghij')
    const answer = await download(id, 'f', { range })
    expect([answer.statusCode, answer.headers['content-range']]).toEqual([status, told])
    if (content !== null)
      expect([answer.body, answer.headers['content-length']]).toEqual([content, String(content.length)])
    const other = await download(id, 'f', { range, 'if-range': '"of another content"' })
    expect([other.statusCode, other.body]).toEqual([200, 'abcdefghij'])
  })
})

describe('a large file', () => {
  it('goes in and out byte for byte, and its ranges are those of the whole', async () => {
    const w = world(startTestServer)
    try {
      const { t, headers, create } = await w.open()
      const address = await t.listen()
      const id = await create('a')
      const whole = randomBytes(24 * MIB)
      // What a parser of forms has to look at twice.
      for (let at = 0; at < whole.length - 4; at += 1021) whole.write('\r\n--', at)
      const form = new FormData()
      form.set('file', new Blob([whole]), 'large')
      for (const [path, body] of [
        ['bytes', whole],
        ['large', form],
      ] as const) {
        const types = body === form ? {} : { 'content-type': 'application/octet-stream' }
        const sent = await fetch(`${address}/v1/volumes/${id}/files/upload?path=${path}`, {
          method: 'POST',
          headers: { ...headers, ...types },
          body,
        })
        expect(await sent.json()).toMatchObject({
          size: whole.length,
          sha256: createHash('sha256').update(whole).digest('hex'),
        })
        const kept = await fetch(`${address}/v1/volumes/${id}/files/download?path=${path}`, { headers })
        expect(Buffer.from(await kept.arrayBuffer()).equals(whole)).toBe(true)
      }
      const url = `${address}/v1/volumes/${id}/files/download?path=large`
      expect(Buffer.from(await (await fetch(url, { headers })).arrayBuffer()).equals(whole)).toBe(true)
      const part = await fetch(url, { headers: { ...headers, range: `bytes=${17 * MIB}-${18 * MIB}` } })
      expect(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(17 * MIB, 18 * MIB + 1))).toBe(true)
    } finally {
      await w.close()
    }
  }, 60_000)
})
