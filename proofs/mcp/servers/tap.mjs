/** Stands before a server and writes down the name of every tool that it is really asked to call: tap.mjs FILE COMMAND… */
import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [file, program, ...parameters] = process.argv.slice(2)
const child = spawn(program, parameters, { stdio: ['pipe', 'inherit', 'inherit'] })
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { method, params } = JSON.parse(line)
    if (method === 'tools/call') appendFileSync(file, `${JSON.stringify(params)}\n`)
    child.stdin.write(`${line}\n`)
  })
  .on('close', () => child.stdin.end())
child.on('exit', (code) => process.exit(code ?? 1))
