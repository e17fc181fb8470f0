/** Starts `subject.ts`, and looks into it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Holding } from './subject.ts'

export interface Subject {
  readonly address: string
  readonly child: ChildProcess
  /** What it holds after collecting garbage. */
  look(): Promise<Holding>
  /** Open file descriptors (Linux). */
  openFiles(): number
  stop(): Promise<void>
}

/** @param environment settings of the server; `LICTOR_DATA_DIR` among them */
export async function startSubject(environment: Readonly<Record<string, string>>): Promise<Subject> {
  const script = fileURLToPath(new URL('subject.ts', import.meta.url))
  // Without the condition `source`: what is measured is what was built.
  const child = spawn(process.execPath, ['--expose-gc', '--disable-warning=ExperimentalWarning', script], {
    env: { PATH: process.env.PATH ?? '', LICTOR_PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const address = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const said = /http:\S+/.exec(text)
      if (said && text.includes('\n')) resolve(said[0])
    })
    child.once('exit', (code) => reject(new Error(`The server ended with code ${code}.`)))
  })
  return {
    address,
    child,
    async look() {
      const answer = once(child, 'message')
      child.send('look')
      return (await answer)[0] as Holding
    },
    openFiles: () => readdirSync(`/proc/${child.pid}/fd`).length,
    async stop() {
      if (child.exitCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}
