import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { freshClone } from './support/fresh-clone.ts'
import { eventually } from './support/server.ts'

const clone = mkdtempSync(join(tmpdir(), 'lictor-clone-'))
// `npm start` builds first, and what other tests run from must stay.
beforeAll(() => freshClone(clone))

let npm: ChildProcess
let server = 0
afterEach(() => {
  npm.kill('SIGKILL')
  if (server !== 0 && isAlive(server)) process.kill(server, 'SIGKILL')
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

it.each(['SIGTERM', 'SIGKILL'] as const)(
  'a server under `npm start` ends when npm ends by %s',
  { timeout: 600_000 },
  async (signal) => {
    npm = spawn('npm', ['start'], {
      cwd: clone,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        LICTOR_PORT: '0',
        LICTOR_DATA_DIR: mkdtempSync(join(tmpdir(), 'lictor-npm-')),
        LICTOR_LOG_FORMAT: 'json',
        LICTOR_LOG_LEVEL: 'info',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    server = await new Promise<number>((resolve, reject) => {
      npm.stdout?.on('data', (text: Buffer) => {
        said += text.toString()
        const pid = /"pid":(\d+).*"msg":"listening"/.exec(said)?.[1]
        if (pid) resolve(Number(pid))
      })
      npm.once('exit', (code) => reject(new Error(`npm start ended with code ${code}:\n${said}`)))
    })
    const ended = once(npm, 'exit')
    npm.kill(signal)
    await ended
    await eventually('the server ends', async () => !isAlive(server), 120)
    expect(isAlive(server)).toBe(false)
  },
)
