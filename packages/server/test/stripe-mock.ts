import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'

const VERSION = '0.203.0'
const BUILD_MS = 420_000

/**
 * Stripe's own mock, which judges each request by Stripe's OpenAPI description: a Go program, built once and kept between runs. CI
 * builds it where there is Go; elsewhere it is used where it was built, and its suite is skipped, and counted as that.
 */
export const stripeMockBinary: string | null = (() => {
  const folder = process.env.LICTOR_CI_CACHE ?? join(homedir(), '.cache/lictor-ci')
  const command = join(folder, `stripe-mock-${VERSION}`)
  if (existsSync(command)) return command
  const source = `github.com/stripe/stripe-mock@v${VERSION}`
  if (process.env.CI && build(source, folder, command)) return command
  console.warn(
    `stripe-mock is not at ${command}: its suite is skipped. With Go: GOBIN=${folder} go install ${source} && mv ${folder}/stripe-mock ${command}`,
  )
  return null
})()

function build(source: string, folder: string, command: string): boolean {
  try {
    mkdirSync(folder, { recursive: true })
    // Whoever is done puts a whole program in place.
    const own = mkdtempSync(`${command}-`)
    try {
      execFileSync('go', ['install', source], {
        stdio: 'ignore',
        timeout: BUILD_MS,
        env: { ...process.env, GOBIN: own },
      })
      renameSync(join(own, 'stripe-mock'), command)
    } finally {
      rmSync(own, { recursive: true, force: true })
    }
    return true
  } catch {
    return false
  }
}

export interface StripeMock {
  readonly url: string
  stop(): Promise<void>
}

/** One on a free loopback port; it keeps nothing. */
export async function startStripeMock(): Promise<StripeMock> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child: ChildProcess = spawn(stripeMockBinary ?? '', ['-http-addr', `127.0.0.1:${port}`], { stdio: 'ignore' })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  for (;;) {
    const isThere = await fetch(url).then(
      () => true,
      () => false,
    )
    if (isThere) break
    if (child.exitCode !== null) throw new Error(`stripe-mock ended with ${child.exitCode}.`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    url,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
