import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** Volumes, their files, and what is refused. */
export async function recordVolumes({ call, succeed, as, token }: Stage & People) {
  const boundary = 'a-boundary'
  const form = (path: string, content: string) => ({
    headers: { ...token, 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: [
      `--${boundary}\r\nContent-Disposition: form-data; name="path"\r\n\r\n${path}\r\n`,
      `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="report.txt"\r\n\r\n${content}\r\n`,
      `--${boundary}--\r\n`,
    ].join(''),
  })
  const made = await succeed<{ id: string }>('POST /v1/volumes', {
    ...as(token),
    body: { label: 'reports', size_limit_bytes: 1000 },
  })
  const there = { ...as(token), path: { volume_id: made.id } }
  await call('POST /v1/volumes', { ...as(token), body: { label: 'reports' } })
  await call('POST /v1/volumes', { ...as(token), body: { label: '' } })
  const upload = 'POST /v1/volumes/:volume_id/files/upload'
  await succeed(upload, { path: { volume_id: made.id }, ...form('2026/report.txt', 'All is well.') })
  await call(upload, { path: { volume_id: made.id }, ...form('2026/large.txt', 'x'.repeat(2000)) })
  await call(upload, { path: { volume_id: made.id }, ...form('2026', 'x') })
  await call(upload, { path: { volume_id: 'somewhere' }, ...form('a', 'x') })
  await succeed('GET /v1/volumes', { ...as(token), query: { limit: '1' } })
  await succeed('GET /v1/volumes/quota', as(token))
  await succeed('GET /v1/volumes/:volume_id', there)
  await succeed('GET /v1/volumes/:volume_id/files', { ...there, query: { path: '2026' } })
  await succeed('GET /v1/volumes/:volume_id/files/stat', { ...there, query: { path: '2026/report.txt' } })
  const download = 'GET /v1/volumes/:volume_id/files/download'
  const file = { ...there, query: { path: '2026/report.txt' } }
  await succeed(download, file)
  await call(download, { ...file, headers: { ...token, range: 'bytes=0-2' } })
  await call(download, { ...file, headers: { ...token, range: 'bytes=99-' } })
  for (const route of ['', '/stat', '/download']) {
    const operation = `GET /v1/volumes/:volume_id/files${route}`
    await call(operation, { ...there, query: { path: '../x' } })
    await call(operation, { ...there, query: { path: 'missing' } })
    await call(operation, { ...as(token), path: { volume_id: 'x' }, query: { path: 'x' } })
  }
  await succeed('POST /v1/volumes/:volume_id/files/mkdir', { ...there, body: { path: '2027' } })
  await call('POST /v1/volumes/:volume_id/files/mkdir', { ...there, body: { path: '2026/report.txt' } })
  await call('POST /v1/volumes/:volume_id/files/mkdir', { ...there, body: { path: '../x' } })
  const move = (from: string, to: string) => ({ ...there, body: { from, to } })
  await succeed('POST /v1/volumes/:volume_id/files/move', move('2026/report.txt', '2027/report.txt'))
  await call('POST /v1/volumes/:volume_id/files/move', move('2027/report.txt', '2026'))
  await call('POST /v1/volumes/:volume_id/files/move', move('missing', 'x'))
  await call('POST /v1/volumes/:volume_id/files/move', move('2026', '../x'))
  await succeed('DELETE /v1/volumes/:volume_id/files', { ...there, query: { path: '2026' } })
  await call('DELETE /v1/volumes/:volume_id/files', { ...there, query: { path: '2026' } })
  await call('DELETE /v1/volumes/:volume_id/files', { ...there, query: { path: '/' } })
  await succeed('PATCH /v1/volumes/:volume_id', { ...there, body: { label: 'papers' } })
  await call('PATCH /v1/volumes/:volume_id', { ...there, body: { label: '' } })
  const other = await succeed<{ id: string }>('POST /v1/volumes', { ...as(token), body: { label: 'spare' } })
  await call('PATCH /v1/volumes/:volume_id', { ...there, body: { label: 'spare' } })
  for (const list of ['/v1/storage/violations', '/v1/observability/storage-violations'])
    await succeed(`GET ${list}`, { ...as(token), query: { limit: '1' } })
  await succeed('DELETE /v1/volumes/:volume_id', { ...as(token), path: { volume_id: other.id } })
}
