#!/usr/bin/env bash
# @google/gemini-cli 0.61.0: a BeforeTool hook that refuses after its time-out refuses nothing: the tool runs. The number counts
# milliseconds, while the same key of Claude Code, whose form of hooks this is, counts seconds: an entry with `"timeout": 5` that
# is carried over gives a guard 5 ms, less than any program needs to start, and never holds.
#
# Who guards a tool by a hook must write the time-out in milliseconds, and refuse by itself well before.
#
# Seen with node 24.21.0:
#   timeout 5: the refused command ran: yes
#   timeout 5000: the refused command ran: no
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact @google/gemini-cli@0.61.0
cat > refuse.sh <<'SH'
#!/bin/sh
cat >/dev/null
echo 'not here' >&2
exit 2
SH
chmod +x refuse.sh
cat > seen.mjs <<'JS'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'

const here = process.cwd()
for (const timeout of [5, 5000]) {
  const home = join(here, `home-${timeout}`)
  const made = join(home, 'work', 'made')
  mkdirSync(join(home, '.gemini'), { recursive: true })
  mkdirSync(join(home, 'work'))
  const hook = { name: 'refuse', type: 'command', command: join(here, 'refuse.sh'), timeout }
  const settings = {
    security: { auth: { selectedType: 'gemini-api-key' } },
    hooks: { BeforeTool: [{ matcher: '*', hooks: [hook] }] },
  }
  writeFileSync(join(home, '.gemini', 'settings.json'), JSON.stringify(settings))
  let calls = 0
  const server = createServer((request, response) => {
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const hasTools = Buffer.concat(chunks).includes('functionDeclarations')
      const part =
        hasTools && calls++ === 0
          ? { functionCall: { name: 'run_shell_command', args: { command: `touch ${made}` } } }
          : { text: 'done' }
      response.setHeader('content-type', 'text/event-stream')
      const content = { role: 'model', parts: [part] }
      response.end(`data: ${JSON.stringify({ candidates: [{ content, finishReason: 'STOP', index: 0 }] })}\n\n`)
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const program = join(here, 'node_modules', '.bin', 'gemini')
  const child = spawn(program, ['-p', 'go', '-m', 'gemini-2.5-flash', '--yolo'], {
    cwd: join(home, 'work'),
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      HOME: home,
      GEMINI_API_KEY: 'x',
      GOOGLE_GEMINI_BASE_URL: `http://127.0.0.1:${server.address().port}`,
      GEMINI_CLI_TRUST_WORKSPACE: 'true',
    },
  })
  await new Promise((resolve) => child.on('exit', resolve))
  server.closeAllConnections()
  server.close()
  console.log(`timeout ${timeout}: the refused command ran: ${existsSync(made) ? 'yes' : 'no'}`)
}
JS
node seen.mjs
