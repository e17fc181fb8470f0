import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const folder = new URL('../', import.meta.url)
const description = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as {
  version: string
  bin: { lictor: string }
}

it('npm finds the command to link before anything is built', () => {
  const { lictor } = description.bin
  expect(lictor.startsWith('./dist/')).toBe(false)
  const file = fileURLToPath(new URL(lictor, folder))
  accessSync(file, constants.X_OK)
  expect(execFileSync(process.execPath, [file, '--version']).toString()).toMatch(
    new RegExp(`${description.version}|not built`),
  )
})

it('an unknown command is named', () => {
  const main = fileURLToPath(new URL('src/bin.ts', folder))
  const { status, stderr } = spawnSync(process.execPath, ['--conditions=@lictor/source', main, 'deploi'], {
    encoding: 'utf8',
  })
  expect({ status, stderr }).toEqual({ status: 2, stderr: "error: 'deploi' is not a command\n(see --help)\n" })
})

it('ends quietly when whoever reads its output has seen enough', async () => {
  const main = fileURLToPath(new URL('src/bin.ts', folder))
  const child = spawn(process.execPath, ['--conditions=@lictor/source', main, 'schema'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.destroy()
  let said = ''
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString()
  })
  const [code] = await once(child, 'close')
  expect({ code, said }).toEqual({ code: 0, said: '' })
})
