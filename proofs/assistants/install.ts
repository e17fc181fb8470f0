/**
 * Installs assistants at the versions that are pinned, below `proofs/assistants/programs`.
 *
 *   node --conditions=@lictor/source proofs/assistants/install.ts gemini qwen
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Program, programs, startable } from './programs.ts'

/** Where they are; another folder by `LICTOR_ASSISTANTS`. */
export const programsFolder = process.env.LICTOR_ASSISTANTS ?? fileURLToPath(new URL('./programs', import.meta.url))

export function installProgram(program: Program): void {
  const { assistant, packed } = program
  if (startable(programsFolder, program) !== null) return
  const place = join(programsFolder, assistant)
  mkdirSync(place, { recursive: true })
  writeFileSync(join(place, 'package.json'), '{ "private": true }\n')
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', packed], { cwd: place, stdio: 'inherit' })
  if (status !== 0) throw new Error(`${packed} was not installed`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const names = process.argv.slice(2)
  for (const program of programs) if (names.includes(program.assistant)) installProgram(program)
}
