import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { delivered, denyBundle, FakeConsole } from '../testing/fake-console.ts'
import { FakeGovernance } from '../testing/fake-governance.ts'

let console_: FakeConsole
beforeEach(async () => {
  console_ = await FakeConsole.start()
  const governance = new FakeGovernance().attach(console_)
  governance.intercept = (seen) =>
    seen.path.startsWith('/api/v1/bundles') ? { json: delivered('main', denyBundle('.env')) } : null
})
afterEach(() => console_.close())

test('a process whose work is done ends by itself, stream open, and delivers its events first', async () => {
  const script = `
    import { Edictum } from '@lictor/guard'
    const guard = await Edictum.fromServer({ url: '${console_.url}', apiKey: 'k', agentId: 'a', bundleName: 'main' })
    console.log(await guard.run('read_file', { path: 'data.csv' }, () => 'rows'))
  `
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      ['--conditions=@lictor/source', '--input-type=module', '--eval', script],
      { cwd: fileURLToPath(new URL('../..', import.meta.url)), timeout: 15_000 },
      (error, stdout, stderr) => (error ? reject(new Error(`${error.message}\n${stderr}`)) : resolve(stdout)),
    )
  })
  expect(output).toBe('rows\n')
  const events = console_.to('/api/v1/events').flatMap((seen) => seen.body.events)
  expect(events.map((event: { verdict: string }) => event.verdict)).toEqual(['call_allowed', 'call_executed'])
})
