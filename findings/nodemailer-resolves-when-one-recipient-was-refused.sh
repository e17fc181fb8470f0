#!/usr/bin/env bash
# nodemailer 10.6.1: `sendMail` resolves, and reports the server's `250`, when the server refused some of the recipients.
#
# A mail to ann and bob, at a server that has no mailbox for bob: the promise resolves, `response` says `250`, ann has the mail.
# That bob has none stands only in `rejected` and `rejectedErrors`. The same mail to bob alone rejects. So a notice that goes to
# a list works in every trial with one address and, in use, says nothing when the person on call is the one who was left out (a
# mistyped address, a full mailbox, a server that asks for patience). Who sends to more than one looks at `rejectedErrors`.
#
# Seen with node 24.21.0:
#   to ann and bob: resolved with 250, accepted ann, rejected bob
#   to bob alone: rejected
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact --ignore-scripts nodemailer@10.6.1 smtp-server@3.21.6
cat > seen.mjs <<'JS'
import nodemailer from 'nodemailer'
import { SMTPServer } from 'smtp-server'

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  onRcptTo({ address }, _session, done) {
    done(address.startsWith('bob') ? Object.assign(new Error('no such mailbox'), { responseCode: 550 }) : null)
  },
  onData(stream, _session, done) {
    stream.on('end', done).resume()
  },
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.server.address()
const transport = nodemailer.createTransport({ host: '127.0.0.1', port })
const send = (...to) => transport.sendMail({ from: 'lena@example.com', to, subject: 'Please look', text: 'Please look.' })
const names = (addresses) => addresses.map((address) => address.split('@')[0]).join(', ')

const { response, accepted, rejected } = await send('ann@example.com', 'bob@example.com')
console.log(`to ann and bob: resolved with ${response.slice(0, 3)}, accepted ${names(accepted)}, rejected ${names(rejected)}`)
console.log(`to bob alone: ${await send('bob@example.com').then(() => 'resolved', () => 'rejected')}`)
server.close()
JS
seen=$(node seen.mjs)
echo "$seen"
[ "$seen" = 'to ann and bob: resolved with 250, accepted ann, rejected bob
to bob alone: rejected' ]
