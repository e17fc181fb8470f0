/** Processes of a bench: the subject, its clients and its floor each have one, so that none competes for another's event loop. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

/** Start a script under this node; what it writes on standard output is read by the caller. */
export function startNode(
  parameters: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
): ChildProcess {
  return spawn(process.execPath, parameters, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** Resolves with what was written up to and including the first match. Rejects when the process ends before. */
export function written(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (pattern.test(text)) resolve(text)
    })
    child.once('exit', (code) => reject(new Error(`A process of the bench ended with code ${code}: ${text}`)))
  })
}

/** Resident memory in MiB (Linux). */
export function residentMemory(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
