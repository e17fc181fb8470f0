import { expect, test } from 'vitest'
import { createUploads, type Upload } from './uploads.ts'

/** Sends that end when a test says so, by the path of what is sent. */
function world() {
  const ways = new Map<
    string,
    { onSent: (bytes: number) => void; resolve: () => void; reject: (error: Error) => void }
  >()
  const uploads = createUploads({
    isThere: async ({ path }) => path.startsWith('/old'),
    send: ({ path }: Upload, onSent, signal) =>
      new Promise((resolve, reject) => {
        ways.set(path, { onSent, resolve, reject })
        signal.addEventListener('abort', () => reject(new Error('aborted')))
      }),
    words: (error) => (error as Error).message,
  })
  const add = (...paths: string[]) =>
    uploads.add(
      'v',
      paths.map((path) => ({
        path,
        file: new Blob(['ab']),
        isThere: path.startsWith('/old'),
        problem: path.startsWith('/large') ? 'too large' : null,
      })),
    )
  const kinds = () => uploads.all().map(({ path, state }) => `${path} ${state.kind}`)
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  const way = (path: string) => {
    const found = ways.get(path)
    if (!found) throw new Error(`${path} is not being sent.`)
    return found
  }
  return {
    uploads,
    add,
    kinds,
    settled,
    way,
    id: (path: string) => uploads.all().find((u) => u.path === path)?.id ?? 0,
  }
}

test('two are sent at a time, and the next when one has ended', async () => {
  const { add, kinds, settled, way } = world()
  add('/a', '/b', '/c')
  await settled()
  expect(kinds()).toEqual(['/a sends', '/b sends', '/c waits'])
  way('/a').resolve()
  await settled()
  expect(kinds()).toEqual(['/a done', '/b sends', '/c sends'])
})

test('what would replace something is sent only when a person says so', async () => {
  const { uploads, add, kinds, settled, way, id } = world()
  add('/old', '/new')
  await settled()
  expect(kinds()).toEqual(['/old asks', '/new sends'])
  expect(() => way('/old')).toThrow('is not being sent')
  uploads.send(id('/old'))
  expect(kinds()[0]).toBe('/old sends')
  way('/old').resolve()
  await settled()
  expect(kinds()[0]).toBe('/old done')
})

test('a refusal is kept with its reason, lets the next go, and can be tried again', async () => {
  const { uploads, add, settled, way, id } = world()
  add('/a')
  await settled()
  way('/a').onSent(1)
  expect(uploads.all()[0]?.state).toEqual({ kind: 'sends', sent: 1 })
  way('/a').reject(new Error('too large'))
  await settled()
  expect(uploads.all()[0]?.state).toEqual({ kind: 'failed', reason: 'too large' })
  uploads.send(id('/a'))
  expect(uploads.all()[0]?.state).toEqual({ kind: 'sends', sent: 0 })
})

test('one that is cancelled is broken off, one that waits is never sent, and signing out leaves none', async () => {
  const { uploads, add, kinds, settled, id, way } = world()
  add('/a', '/b', '/c')
  await settled()
  uploads.cancel(id('/c'))
  uploads.cancel(id('/a'))
  way('/a').onSent(2)
  await settled()
  expect(kinds()).toEqual(['/a cancelled', '/b sends', '/c cancelled'])
  uploads.clear('v')
  expect(kinds()).toEqual(['/b sends'])
  uploads.forget()
  await settled()
  expect(kinds()).toEqual([])
})

test('what is known to be refused is not sent, unless a person wants it', () => {
  const { uploads, add, kinds, id } = world()
  add('/large')
  expect(uploads.all()[0]?.state).toEqual({ kind: 'failed', reason: 'too large' })
  uploads.send(id('/large'))
  expect(kinds()).toEqual(['/large sends'])
})
