import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('the quick start of the README prints what it says', async () => {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const [, code = ''] = /```ts\n(.*?)```/s.exec(readFileSync(`${root}/README.md`, 'utf8')) ?? []
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      ['--conditions=@lictor/source', '--input-type=module-typescript', '--eval', code],
      { cwd: root, timeout: 15_000 },
      (error, stdout, stderr) => (error ? reject(new Error(`${error.message}\n${stderr}`)) : resolve(stdout)),
    )
  })
  const promised = code.split('\n').filter((line) => line.trim().startsWith('// '))
  expect(output.trim().split('\n')).toEqual(promised.map((line) => line.trim().slice(3)))
})
