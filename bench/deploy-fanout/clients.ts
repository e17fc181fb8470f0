/**
 * Many streams over bare sockets: `clients.ts <address> <count> <key>`. Says `open` when all are; for each message `watch` it
 * answers when every stream has had one frame of at least that many bytes: the instants (Unix milliseconds), one a stream.
 */
import { connect, type Socket } from 'node:net'

const [address = '', count = '0', key = ''] = process.argv.slice(2)
const { hostname, port } = new URL(address)
const OPENING_AT_ONCE = 64
const FRAME_END = Buffer.from('\n\n\r\n')

let smallest = Number.POSITIVE_INFINITY
let instants: number[] = []
const now = () => performance.timeOrigin + performance.now()

process.on('message', (bytes: number) => {
  smallest = bytes
  instants = []
  process.send?.('watching')
})

const sockets: Socket[] = []
async function open(index: number): Promise<void> {
  const socket = connect(Number(port), hostname)
  sockets.push(socket)
  socket.setNoDelay(true)
  let received = 0
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('connect', () =>
      socket.write(
        `GET /api/v1/stream?env=production&bundle_name=fanout HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${key}\r\nx-edictum-agent-id: bench-${index}\r\n\r\n`,
      ),
    )
    let isOpen = false
    socket.on('data', (chunk: Buffer) => {
      if (!isOpen) {
        if (!chunk.toString('latin1', 0, 15).startsWith('HTTP/1.1 200')) reject(new Error(chunk.toString()))
        isOpen = true
        resolve()
      }
      received += chunk.length
      if (!chunk.subarray(-4).equals(FRAME_END)) return
      if (received >= smallest) {
        instants.push(now())
        if (instants.length === sockets.length) process.send?.(instants)
      }
      received = 0
    })
  })
}

let next = 0
await Promise.all(
  Array.from({ length: OPENING_AT_ONCE }, async () => {
    while (next < Number(count)) await open(next++)
  }),
)
process.send?.('open')
