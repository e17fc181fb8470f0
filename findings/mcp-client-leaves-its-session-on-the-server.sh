#!/usr/bin/env bash
# @modelcontextprotocol/sdk 1.32.2 and @modelcontextprotocol/client 2.4.0: `client.close()` leaves the session on the server.
#
# Over Streamable HTTP a server keeps a session for each client: a transport, a server object, and whatever the tools hold for it
# (a browser, a database connection, a subscription). The protocol's end of a session is a DELETE. `close()` sends none; it only
# lets go of the client's own connections, and over standard streams the same `close()` ends the server. So an agent that connects
# for each task, and closes each time, leaves a session for each task, which the SDK's server transport never expires. Only
# `transport.terminateSession()`, called before `close()`, ends it.
#
# Seen with node 24.21.0:
#   sdk 1.32.2: 10 connected and closed, 10 sessions left on the server
#   sdk 1.32.2: 10 connected, terminated and closed, 0 sessions left on the server
#   client 2.4.0: 10 connected and closed, 10 sessions left on the server
#   client 2.4.0: 10 connected, terminated and closed, 0 sessions left on the server
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact --ignore-scripts @modelcontextprotocol/sdk@1.32.2 @modelcontextprotocol/client@2.4.0
cat > seen.mjs <<'JS'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'

const sessions = new Map()
const http = createServer(async (request, response) => {
  const known = sessions.get(request.headers['mcp-session-id'])
  const transport =
    known ??
    new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    })
  if (!known) await new McpServer({ name: 'files', version: '1.0.0' }).connect(transport)
  await transport.handleRequest(request, response)
}).listen(0, '127.0.0.1')
await once(http, 'listening')
const url = new URL(`http://127.0.0.1:${http.address().port}/mcp`)

for (const [name, Client, Transport] of [
  ['sdk 1.32.2', Client1, Transport1],
  ['client 2.4.0', Client2, Transport2],
])
  for (const isTerminated of [false, true]) {
    sessions.clear()
    for (let task = 0; task < 10; task++) {
      const client = new Client({ name: 'agent', version: '1.0.0' })
      const transport = new Transport(url)
      await client.connect(transport)
      if (isTerminated) await transport.terminateSession()
      await client.close()
    }
    const steps = isTerminated ? 'connected, terminated and closed' : 'connected and closed'
    console.log(`${name}: 10 ${steps}, ${sessions.size} sessions left on the server`)
  }
http.closeAllConnections()
http.close()
JS
seen=$(node seen.mjs)
echo "$seen"
[ "$seen" = 'sdk 1.32.2: 10 connected and closed, 10 sessions left on the server
sdk 1.32.2: 10 connected, terminated and closed, 0 sessions left on the server
client 2.4.0: 10 connected and closed, 10 sessions left on the server
client 2.4.0: 10 connected, terminated and closed, 0 sessions left on the server' ]
