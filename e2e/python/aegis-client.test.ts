import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { administrator, root, type ServerProcess, startServer } from '../support/server.ts'

const hasPython = spawnSync('python3', ['--version']).status === 0
if (!hasPython && process.env.CI) throw new Error('python3 is not installed, and CI runs its suite.')

// The SDK itself is not in the package registry (the name belongs to another product): its wire is replayed as the specification describes it.
describe.skipIf(!hasPython)('a client that speaks as the AEGIS SDK for Python does', () => {
  let server: ServerProcess
  beforeAll(async () => {
    const script = join(mkdtempSync(join(tmpdir(), 'lictor-turns-')), 'turns.yaml')
    writeFileSync(
      script,
      'turns:\n  - tool_calls: [{ name: fs.list, arguments: { path: . } }]\n  - text: No remarks.\n',
    )
    server = await startServer({ environment: { LICTOR_MODEL_SCRIPT: script } })
  })
  afterAll(async () => {
    await server?.stop()
  })

  it('gets a token, deploys a flat manifest, runs it in a Python sandbox, follows its events and cleans up', async () => {
    const admin = await administrator(server.url)
    const account = await admin.call<{ client_id: string; client_secret: string }>('POST', '/api/v1/service-accounts', {
      name: 'ci',
    })
    const { stdout } = await promisify(execFile)('python3', [join(root, 'e2e/python/aegis_client.py')], {
      env: {
        PATH: process.env.PATH ?? '',
        LICTOR_URL: server.url,
        AEGIS_CLIENT_ID: account.client_id,
        AEGIS_CLIENT_SECRET: account.client_secret,
      },
    })
    expect(JSON.parse(stdout.split('\n')[0] ?? '')).toEqual({
      end: 'execution_completed',
      output: 'No remarks.',
      reason: null,
    })
  })
})
