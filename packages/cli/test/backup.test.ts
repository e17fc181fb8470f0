import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, readConfig } from '@lictor/server'
import pino from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createWorkbench, type Workbench } from './workbench.ts'

let cli: Workbench
beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'lictor-cli-backup-'))
  const environment = { LICTOR_DATA_DIR: dataDir, LICTOR_PORT: '0' }
  const server = await createServer(readConfig(environment), pino({ level: 'silent' }), { consoleDir: null })
  await server.close()
  cli = createWorkbench({}, environment)
})
afterAll(() => cli.close())

it('a backup that cannot be written is refused with the reason', async () => {
  const missing = await cli.run('backup', 'no/such/folder/backup.gz')
  expect([missing.code, missing.err]).toEqual([
    1,
    expect.stringMatching(/^lictor: '.*backup\.gz' cannot be written: there is no folder '.*no\/such\/folder'\.$/),
  ])
  cli.write('taken.gz', 'x')
  expect((await cli.run('backup', 'taken.gz')).err).toMatch(/exists\. Name a file that does not/)
})

it('a restore from what is no backup is refused with the reason', async () => {
  mkdirSync(join(cli.folder, 'folder'), { recursive: true })
  for (const [file, reason] of [
    ['absent.gz', /There is no file/],
    ['folder', /is no file/],
    ['taken.gz', /backup/],
  ] as const) {
    const { code, err } = await cli.run('restore', file)
    expect([file, code, err]).toEqual([file, 1, expect.stringMatching(reason)])
  }
})

it('a backup is written, and made only once', async () => {
  const { code, out } = await cli.run('backup', 'made.gz')
  expect([code, out]).toEqual([0, expect.stringMatching(/^Wrote \d+ rows/)])
})
