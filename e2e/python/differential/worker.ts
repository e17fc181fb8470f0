import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Outcome } from './outcome.ts'

/** A process that answers each line it is sent with one line, in order. Lines may be sent before earlier ones are answered. */
export interface Worker {
  judge(line: string): Promise<Outcome>
  close(): Promise<void>
}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

export const productWorker = (): Worker =>
  startWorker(process.execPath, ['--conditions=@lictor/source', here('./product-worker.ts')])

export const pythonWorker = (python: string): Worker => startWorker(python, [here('./python_worker.py')])

function startWorker(program: string, args: readonly string[]): Worker {
  const child = spawn(program, args, {
    // Both see the same home folder, and of environment variables nothing but what a case names.
    env: { PATH: process.env.PATH ?? '', HOME: '/home/agent', PYTHONIOENCODING: 'utf-8', PYTHONUTF8: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4000)
  })
  const waiting: { readonly line: string; answer(outcome: Outcome): void; fail(error: Error): void }[] = []
  readLines(child.stdout, (line) => waiting.shift()?.answer(JSON.parse(line) as Outcome))
  const ended = once(child, 'close').then(() => {
    for (const { line, fail } of waiting.splice(0)) fail(new Error(`The worker ended at ${line}\n${errors}`))
  })
  // Writing to a worker that has ended fails; that it has ended is told above.
  child.stdin.on('error', () => {})
  return {
    judge: (line) =>
      new Promise((answer, fail) => {
        waiting.push({ line, answer, fail })
        child.stdin.write(`${line}\n`)
      }),
    async close() {
      child.stdin.end()
      await ended
    },
  }
}

/** Lines that end at a line feed only: Node's own reader also breaks at U+2028, which JSON leaves as it is. */
function readLines(stream: Readable, take: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(line)
  })
}
