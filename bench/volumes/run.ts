/**
 * A large file into a volume and out of it, beside a bare stream copy through `node:http` to a file and from it, by turns in one run;
 * and how much memory the server takes for it. Each has a process of its own.
 *
 *   node --conditions=@lictor/source bench/volumes/run.ts [--mebibytes 1024] [--rounds 3] [--folder DIR] [--json FILE]
 *
 * A disk that others use too hides what the server itself takes: the processor time of the thread that serves, of each, is told beside, and `--folder /dev/shm`
 * leaves the disk out.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { request as send } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { quantile, writeFigures } from '../figures.ts'
import { processorTime, residentMemory, startNode, stop, written } from '../processes.ts'

const MIB = 1024 ** 2
const { values } = parseArgs({
  options: {
    mebibytes: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '3' },
    folder: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
  },
})
const size = Number(values.mebibytes) * MIB
const ADMIN = { email: 'bench@example.com', password: 'a bench of good length' }
const folder = mkdtempSync(join(values.folder, 'lictor-bench-'))
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const server = startNode(['--conditions=@lictor/source', path('../server.ts')], {
  LICTOR_DATA_DIR: join(folder, 'data'),
  LICTOR_PORT: '0',
  LICTOR_ADMIN_EMAIL: ADMIN.email,
  LICTOR_ADMIN_PASSWORD: ADMIN.password,
  DATABASE_URL: '',
})
const bare = startNode([path('bare.ts'), join(folder, 'bare')])

type Headers = Record<string, string>

/** Bytes that differ from chunk to chunk, made once. */
const chunk = Buffer.alloc(MIB)
for (let at = 0; at < chunk.length; at += 4) chunk.writeUInt32BE((at * 2654435761) >>> 0, at)

/** A file as a form carries it, which is how AEGIS clients send it. */
const FRAME = {
  type: 'multipart/form-data; boundary=lictor-bench',
  head: Buffer.from(
    '--lictor-bench\r\ncontent-disposition: form-data; name="file"; filename="f"\r\ncontent-type: application/octet-stream\r\n\r\n',
  ),
  tail: Buffer.from('\r\n--lictor-bench--\r\n'),
}

function upload(
  url: string,
  headers: Headers,
  frame = { head: Buffer.alloc(0), tail: Buffer.alloc(0) },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const from = performance.now()
    const call = send(
      url,
      { method: 'POST', headers: { ...headers, 'content-length': frame.head.length + size + frame.tail.length } },
      (response) => {
        response.resume()
        response.on('end', () =>
          response.statusCode === 200
            ? resolve(performance.now() - from)
            : reject(new Error(`an upload answered ${response.statusCode}`)),
        )
      },
    )
    call.on('error', reject)
    call.write(frame.head)
    let left = size
    const push = () => {
      while (left > 0) {
        const part = left < chunk.length ? chunk.subarray(0, left) : chunk
        left -= part.length
        if (!call.write(part)) {
          call.once('drain', push)
          return
        }
      }
      call.end(frame.tail)
    }
    push()
  })
}

function download(url: string, headers: Headers): Promise<number> {
  return new Promise((resolve, reject) => {
    const from = performance.now()
    send(url, { headers }, (response) => {
      let got = 0
      response.on('data', (part: Buffer) => {
        got += part.length
      })
      response.on('end', () =>
        got >= size ? resolve(performance.now() - from) : reject(new Error(`a download gave ${got} bytes`)),
      )
    })
      .on('error', reject)
      .end()
  })
}

try {
  const [address, floor] = [(await written(server, /http:\S+\n/)).trim(), (await written(bare, /http:\S+\n/)).trim()]
  const login = await fetch(`${address}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ADMIN),
  })
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const headers: Headers = { cookie, 'x-requested-with': 'bench' }
  const made = await fetch(`${address}/v1/volumes`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ label: 'bench', size_limit_bytes: 4 * size }),
  })
  const { id } = (await made.json()) as { id: string }
  const bytes: Headers = { ...headers, 'content-type': 'application/octet-stream' }
  const files = `${address}/v1/volumes/${id}/files`
  const ways = {
    upload: { own: () => upload(`${files}/upload?path=f`, bytes), floor: () => upload(floor, {}) },
    form: {
      own: () => upload(`${files}/upload?path=f`, { ...headers, 'content-type': FRAME.type }, FRAME),
      floor: () => upload(floor, { 'content-type': FRAME.type }, FRAME),
    },
    download: { own: () => download(`${files}/download?path=f`, headers), floor: () => download(floor, {}) },
  }
  const took = {
    upload: { own: [] as number[], floor: [] as number[] },
    form: { own: [] as number[], floor: [] as number[] },
    download: { own: [] as number[], floor: [] as number[] },
  }
  const processor = { upload: { own: 0, floor: 0 }, form: { own: 0, floor: 0 }, download: { own: 0, floor: 0 } }
  const before = residentMemory(server)
  let highest = before
  const watch = setInterval(() => {
    highest = Math.max(highest, residentMemory(server))
  }, 50)
  for (let round = 0; round < Number(values.rounds); round++)
    for (const way of ['upload', 'form', 'download'] as const)
      for (const whose of round % 2 === 0 ? (['own', 'floor'] as const) : (['floor', 'own'] as const)) {
        const process = whose === 'own' ? server : bare
        const from = processorTime(process)
        took[way][whose].push(await ways[way][whose]())
        processor[way][whose] += processorTime(process) - from
      }
  clearInterval(watch)
  const rate = (samples: readonly number[]) => Math.round(size / MIB / (quantile(samples, 0.5) / 1000))
  const figures = (['upload', 'form', 'download'] as const).map((way) => {
    const [own, other] = [rate(took[way].own), rate(took[way].floor)]
    const [spent, least] = [processor[way].own, processor[way].floor].map((total) =>
      Math.round(total / Number(values.rounds)),
    )
    console.log(
      `${way} of ${values.mebibytes} MiB: ${own} MiB/s, bare ${other} MiB/s: ${Math.round((own / other) * 100)} %; processor ${spent} ms, bare ${least} ms`,
    )
    return {
      what: `${way} of ${values.mebibytes} MiB through a volume, of a bare stream copy`,
      value: Math.round((own / other) * 100),
      unit: '%',
      beside: { what: 'bare, MiB/s', value: other },
      goal: { atLeast: 70 },
    }
  })
  const grown = Math.round(highest - before)
  console.log(`memory: ${Math.round(before)} MiB before, ${grown} MiB more at most`)
  writeFigures(values.json, [
    ...figures,
    { what: 'memory of the server, grown at most', value: grown, unit: 'MiB', goal: { atMost: 64 } },
  ])
} finally {
  await Promise.all([stop(server), stop(bare)])
  rmSync(folder, { recursive: true, force: true })
}
