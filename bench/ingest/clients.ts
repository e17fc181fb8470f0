/**
 * 64 connections that post batches: as fast as they are answered, or at a given rate. Its own process, so that it does not
 * compete for the server's event loop. Arguments: address, seconds, batches per second (0: as fast as answered), keys.
 */
import { connect, type Socket } from 'node:net'
import { BATCH, batchTemplate } from './events.ts'

const CLIENTS = 64
const [address = '', seconds = '8', rate = '0', ...keys] = process.argv.slice(2)
const { hostname, port } = new URL(address)
const latencies: number[] = []
const end = performance.now() + Number(seconds) * 1000
const pause = Number(rate) === 0 ? 0 : (CLIENTS / Number(rate)) * 1000
const started = performance.now()

await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(index)))
const elapsed = (performance.now() - started) / 1000
latencies.sort((a, b) => a - b)
const at = (share: number) => Math.round((latencies[Math.floor(latencies.length * share)] ?? 0) * 10) / 10
process.stdout.write(
  JSON.stringify({ eventsPerSecond: Math.round((latencies.length * BATCH) / elapsed), p50: at(0.5), p99: at(0.99) }),
)

async function client(index: number): Promise<void> {
  const socket = connect(Number(port), hostname)
  socket.setNoDelay(true)
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  const batch = batchTemplate(index)
  const head = Buffer.from(
    `POST /api/v1/events HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${keys[index % keys.length]}\r\nx-edictum-agent-id: agent-${index}\r\ncontent-type: application/json\r\ncontent-length: ${batch.body.length}\r\n\r\n`,
  )
  let due = started + (pause * index) / CLIENTS
  while (performance.now() < end) {
    if (pause > 0) {
      const wait = due - performance.now()
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    }
    batch.renew()
    // At a given rate latency counts from when the batch was due: a server that falls behind does not hide it.
    const from = pause > 0 ? due : performance.now()
    socket.write(head)
    socket.write(batch.body)
    await answered(socket)
    latencies.push(performance.now() - from)
    due += pause
  }
  socket.destroy()
}

function answered(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    const closed = () => reject(new Error('The server closed the connection.'))
    const receive = (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const split = text.indexOf('\r\n\r\n')
      if (split < 0) return
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
      if (text.length < split + 4 + length) return
      socket.off('data', receive)
      socket.off('close', closed)
      if (text.startsWith('HTTP/1.1 200') && text.includes(`"accepted":${BATCH}`)) resolve()
      else reject(new Error(`The server answered: ${text}`))
    }
    socket.on('data', receive)
    socket.once('close', closed)
  })
}
