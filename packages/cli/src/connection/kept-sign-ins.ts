import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { jsonObjectIn } from '@lictor/wire'

type Environment = Readonly<Record<string, string | undefined>>

/** Sign-ins of this user on this machine, each a session's cookie by the address of its server. Nobody else may read the file. */
const fileOf = (environment: Environment): string => join(environment.HOME || homedir(), '.lictor', 'sign-ins.json')

/** The cookie that is kept for a server; null for none. */
export function keptSignIn(environment: Environment, url: string): string | null {
  const cookie = readAll(environment)[url]
  return typeof cookie === 'string' ? cookie : null
}

/** Keep a session's cookie, or with null forget it. Another command sees the file before or after, never in between. */
export function keepSignIn(environment: Environment, url: string, cookie: string | null): void {
  const file = fileOf(environment)
  const { [url]: _, ...others } = readAll(environment)
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 })
  const next = `${file}.${process.pid}`
  writeFileSync(next, `${JSON.stringify(cookie === null ? others : { ...others, [url]: cookie }, null, 2)}\n`, {
    mode: 0o600,
  })
  renameSync(next, file)
}

function readAll(environment: Environment): Readonly<Record<string, unknown>> {
  try {
    return jsonObjectIn(readFileSync(fileOf(environment), 'utf8')) ?? {}
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}
