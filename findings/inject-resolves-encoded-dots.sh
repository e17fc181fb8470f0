#!/usr/bin/env bash
# fastify 5.12.8 with light-my-request (`app.inject`): a request for `/files/%2e%2e/secret` reaches the handler as `/secret`. Over a
# socket it arrives as it was sent.
#
# inject parses the address as a browser would, and the URL standard takes `%2e%2e` for `..`. A test that sends an escape from a
# folder by inject therefore tests another route, is answered 404, and passes whatever the handler of the folder does: such tests
# prove nothing. Send these over a socket.
#
# Seen with node 20.20.2 and 24.21.0:
#   inject: 404 no route
#   socket: 200 asked for %2e%2e/secret
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact fastify@5.12.8
cat > seen.mjs <<'JS'
import { request } from 'node:http'
import fastify from 'fastify'

const app = fastify()
app.get('/files/*', async ({ raw }) => `asked for ${raw.url.slice('/files/'.length)}`)
app.setNotFoundHandler((_request, reply) => reply.code(404).send('no route'))
const path = '/files/%2e%2e/secret'

const injected = await app.inject({ method: 'GET', url: path })
console.log(`inject: ${injected.statusCode} ${injected.body}`)

await app.listen({ port: 0, host: '127.0.0.1' })
const { port } = app.server.address()
const [status, text] = await new Promise((resolve, reject) => {
  request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
    let body = ''
    response.on('data', (chunk) => (body += chunk)).on('end', () => resolve([response.statusCode, body]))
  })
    .on('error', reject)
    .end()
})
console.log(`socket: ${status} ${text}`)
await app.close()
JS
node seen.mjs | tee seen.txt
diff - seen.txt <<'TXT'
inject: 404 no route
socket: 200 asked for %2e%2e/secret
TXT
