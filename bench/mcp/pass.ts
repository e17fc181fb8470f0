/** The least that can stand between a client and a server: every line is read, and written on. */
import { spawn } from 'node:child_process'
import { createSkippingReader } from '@lictor/mcp/gateway'

const LARGEST = 32 * 1024 * 1024
const [program = '', ...parameters] = process.argv.slice(2)
const child = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'inherit'] })

function pass(from: NodeJS.ReadableStream, to: NodeJS.WritableStream): void {
  const reader = createSkippingReader(LARGEST, () => {})
  from.on('data', (chunk: Buffer) => {
    for (const line of reader.push(chunk)) to.write(`${line}\n`)
  })
}

pass(process.stdin, child.stdin)
pass(child.stdout, process.stdout)
process.stdin.on('end', () => child.stdin.end())
