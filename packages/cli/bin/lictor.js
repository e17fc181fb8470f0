#!/usr/bin/env node
// Checked in, not built: npm links commands while it installs, before anything is built.
import { existsSync } from 'node:fs'

const [major, minor] = process.versions.node.split('.').map(Number)
const built = new URL('../dist/bin.js', import.meta.url)
if (major < 22 || (major === 22 && minor < 13)) {
  console.error(
    `lictor: this is Node ${process.versions.node}, and Lictor needs 22.13 or newer. In the repository, \`npm start\` and \`npx lictor\` bring their own.`,
  )
  process.exitCode = 1
} else if (existsSync(built)) {
  await import(built.href)
} else {
  console.error('lictor: not built yet. Run `npm run build` first; `npm start` does it by itself.')
  process.exitCode = 1
}
