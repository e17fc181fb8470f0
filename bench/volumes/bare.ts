/** The floor of an upload and a download: `node:http` and streams, to a file that is flushed and from it. */
import { createReadStream, createWriteStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { pipeline } from 'node:stream/promises'

const file = process.argv[2] ?? ''
const server = createServer(async (request, response) => {
  if (request.method === 'POST') {
    await pipeline(request, createWriteStream(file, { flush: true }))
    response.end('{}')
    return
  }
  response.setHeader('content-length', statSync(file).size)
  await pipeline(createReadStream(file), response)
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
})
process.once('SIGTERM', () => process.exit(0))
