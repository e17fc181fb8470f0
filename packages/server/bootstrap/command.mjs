#!/usr/bin/env node
// Runs the command of a workflow's System state, inside a sandbox, for Node 18 and later, without dependencies.
//
// It takes `{"command", "workdir"}` as JSON on standard input, runs the command by `sh -c` with this program's own output streams,
// and ends as it ended: with its exit code, or 128 plus the number of the signal that ended it.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'

const { command, workdir } = JSON.parse(readFileSync(0, 'utf8'))
mkdirSync(workdir, { recursive: true })
const child = spawn('sh', ['-c', command], { cwd: workdir, stdio: ['ignore', 'inherit', 'inherit'] })
child.on('error', (error) => {
  console.error(`sh could not be run: ${error.message}`)
  process.exitCode = 127
})
child.on('exit', (code, signal) => {
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
})
