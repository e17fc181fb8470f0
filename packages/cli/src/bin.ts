#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

// The code of later starts is read compiled; everything else is imported after it for that reason.
enableCompileCache()
const { runCli } = await import('./program.ts')
const { processTerminal } = await import('./terminal/terminal.ts')
const { endWithReader } = await import('./terminal/closed-pipe.ts')

endWithReader([process.stdout, process.stderr], {
  isServer: process.argv.includes('up'),
  end: () => process.exit(),
})

process.exitCode = await runCli(process.argv.slice(2), processTerminal())
