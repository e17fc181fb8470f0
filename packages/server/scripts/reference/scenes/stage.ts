import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { stringify } from 'yaml'
import { systemRandom } from '../../../src/adapters/random/system.ts'
import { createServer } from '../../../src/app.ts'
import { readConfig } from '../../../src/config.ts'
import type { RateLimiter } from '../../../src/ports/rate-limiter.ts'
import { aiProvider } from '../../../test/ai-provider.ts'
import { manualClock } from '../../../test/manual-clock.ts'
import { startStripe } from '../../../test/stripe.ts'
import { recorder } from '../recorder.ts'

/** The token endpoint of every request for a token. */
export const realm = { path: { realm: 'aegis-system' } }

export type Stage = Awaited<ReturnType<typeof openStage>>

/** A server in this process whose time and chance are the same in every run, and what the scenes ask it with. */
export async function openStage() {
  const folder = mkdtempSync(join(tmpdir(), 'lictor-examples-'))
  const turns = join(folder, 'turns.yaml')
  writeFileSync(
    turns,
    stringify({
      turns: [
        { tool_calls: [{ name: 'write_file', arguments: { path: 'greeting.txt', content: 'Hello, Ada!' } }] },
        { text: 'Hello, Ada!' },
      ],
    }),
  )
  const provider = await aiProvider([{ text: 'Denies reading files whose path contains .env.' }])
  const stripe = await startStripe()
  const clock = manualClock()
  const limiter = drowsyLimiter()
  const server = await createServer(
    readConfig({
      ...stripe.environment,
      LICTOR_DATA_DIR: folder,
      LICTOR_LOG_LEVEL: 'silent',
      LICTOR_CORTEX: 'on',
      LICTOR_PORT: '0',
      LICTOR_MODEL_SCRIPT: turns,
      LICTOR_ANTHROPIC_BASE_URL: `${provider.url}/v1`,
      LICTOR_AI_PRICES_URL: `${provider.url}/prices`,
      LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8',
      LICTOR_BASE_URL: 'https://lictor.example.com',
      LICTOR_SMTP_HOST: 'mail.example.com',
      LICTOR_SMTP_USER: 'lictor@example.com',
    }),
    pino({ level: process.env.LOG ?? 'silent' }),
    {
      clock,
      random: drawnRandom(),
      limiter,
      passwordCost: 16,
      consoleDir: null,
      mail: { send: async () => {} },
      outbound: { check: async () => {}, send: async () => ({ status: 200, headers: {}, body: '{"ok":true}' }) },
    },
  )
  await server.http.ready()
  const r = recorder(() => server.http)
  return {
    r,
    call: r.call,
    succeed: r.succeed,
    as: (headers: Record<string, string>) => ({ headers }),
    server,
    folder,
    clock,
    limiter,
    stripe,
    minute: () => clock.advance(60_000),
    /** Let what runs beside the requests come to rest. */
    async until(holds: () => Promise<boolean>) {
      while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
    },
    async close() {
      await server.close()
      await provider.close()
      await stripe.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Allows everything until it is told to be busy. */
function drowsyLimiter(): RateLimiter & { isBusy: boolean } {
  const verdict = async () =>
    limiter.isBusy ? ({ allowed: false, retryAfter: 42 } as const) : ({ allowed: true } as const)
  const limiter = {
    isBusy: false,
    hit: verdict,
    peek: verdict,
  }
  return limiter
}

function drawnRandom() {
  let drawn = 0
  const bytes = (length: number): Buffer => {
    drawn++
    const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
      createHash('sha256').update(`${drawn}.${index}`).digest(),
    )
    return Buffer.concat(blocks).subarray(0, length)
  }
  return {
    ...systemRandom,
    bytes,
    uuid: () => {
      const hex = bytes(16).toString('hex')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
    },
  }
}
