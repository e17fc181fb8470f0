#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

// The code of later starts is read compiled; everything else is imported after it for that reason.
enableCompileCache()
const { runCli } = await import('./program.ts')
const { processTerminal } = await import('./terminal/terminal.ts')

process.exitCode = await runCli(process.argv.slice(2), processTerminal())
