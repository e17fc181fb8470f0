#!/usr/bin/env bash
# playwright-core 1.65.1: on a page whose Content-Security-Policy has no 'unsafe-eval', `page.waitForFunction('an expression')` succeeds
# when the expression is true at the first look, and throws an EvalError of the page when it has to wait. `page.evaluate` of the same
# text always works, and so does `waitForFunction` of a function.
#
# The first look is made from outside, where the policy does not reach; each later one is evaluated by the page itself. A test that
# waits so is green on a machine on which the page is ready in time, and red on a slower one, with a word about eval and none about
# waiting. It is worse where a suite counts what pages complain of: the EvalError is one more. Give a function, not text.
#
# Needs a Chromium: that of CHROMIUM, or the one in PATH. Seen with node 20.20.2 and 24.21.0:
#   evaluate, text: ok
#   wait, text, true at once: ok
#   wait, text, true later: EvalError
#   wait, function, true later: ok
set -euo pipefail
chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact playwright-core@1.65.1
cat > seen.mjs <<'JS'
import { createServer } from 'node:http'
import { chromium } from 'playwright-core'

const server = createServer((_request, response) => {
  response.setHeader('content-security-policy', "script-src 'self'").setHeader('content-type', 'text/html').end('<p>here')
}).listen(0, '127.0.0.1')
const browser = await chromium.launch({ executablePath: process.argv[2], args: ['--no-sandbox'] })
const page = await browser.newPage()
await page.goto(`http://127.0.0.1:${server.address().port}/`)

const say = async (what, done) =>
  console.log(`${what}: ${await done.then(() => 'ok', ({ message }) => /EvalError/.exec(message)?.[0] ?? message)}`)
const rename = (title) => page.evaluate((next) => void setTimeout(() => (document.title = next), 500), title)
const options = { timeout: 10_000 }

await say('evaluate, text', page.evaluate('document.title === ""'))
await say('wait, text, true at once', page.waitForFunction('document.title === ""', null, options))
await rename('one')
await say('wait, text, true later', page.waitForFunction('document.title === "one"', null, options))
await rename('two')
await say('wait, function, true later', page.waitForFunction(() => document.title === 'two', null, options))
await browser.close()
server.close()
JS
node seen.mjs "$chromium" | tee seen.txt
diff - seen.txt <<'TXT'
evaluate, text: ok
wait, text, true at once: ok
wait, text, true later: EvalError
wait, function, true later: ok
TXT
