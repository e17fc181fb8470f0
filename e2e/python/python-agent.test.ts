import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { administrator, readExample, root, type ServerProcess, startServer } from '../support/server.ts'

/** Published versions of the SDK that the guide says work, unchanged; with what their API key must say. */
const versions = [
  ...readFileSync(join(root, 'docs/guide.md'), 'utf8').matchAll(
    /^\| (\d+\.\d+\.\d+) \| yes(, with a key for rulesets)? \|/gm,
  ),
].map(([, version = '', forRulesets]) => ({ version, key: forRulesets ? { client: 'rulesets' } : {} }))

it('the guide names versions of the SDK that work', () => {
  expect(versions.map(({ version }) => version)).toEqual(['0.13.0', '0.15.0', '0.16.0', '0.17.0', '0.18.0', '0.19.0'])
})

/** A virtual environment with the SDK from the package registry; null where there is none. */
function install(version: string): string | null {
  const folder = join(tmpdir(), `lictor-e2e-edictum-${version}`)
  const python = join(folder, 'bin/python')
  if (existsSync(python) && spawnSync(python, ['-c', 'import edictum, jsonschema, httpx']).status === 0) return python
  try {
    execFileSync('python3', ['-m', 'venv', folder], { stdio: 'ignore', timeout: 120_000 })
    execFileSync(python, ['-m', 'pip', 'install', '-q', `edictum[server,yaml]==${version}`], {
      stdio: 'ignore',
      timeout: 240_000,
    })
    return python
  } catch {
    return null
  }
}

describe.each(versions)('a published Python agent, edictum $version, only its address changed', ({ version, key }) => {
  let python: string | null = null
  let server: ServerProcess

  beforeAll(async () => {
    python = install(version)
    if (!python && process.env.CI)
      throw new Error(`edictum[server]==${version} could not be installed, and CI runs its suite.`)
    server = await startServer()
  }, 400_000)
  afterAll(async () => {
    await server.stop()
  })

  it('is denied, allowed, approved, refused by a person, and takes up a new version without restart', async (context) => {
    if (!python) return context.skip('Python or the package registry is missing')
    const admin = await administrator(server.url)
    const bundle = readExample('bundles/assistant.yaml')
    await admin.deploy(bundle)
    const agent = spawn(python, [join(root, 'e2e/python/agent.py')], {
      env: {
        PATH: process.env.PATH ?? '',
        LICTOR_URL: server.url,
        LICTOR_API_KEY: await admin.createKey('production', key),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let errors = ''
    agent.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString()
    })
    const said: Record<string, string>[] = []
    for await (const line of createInterface({ input: agent.stdout })) {
      const message = JSON.parse(line) as Record<string, string>
      said.push(message)
      if (said.length === 3) await admin.decide((await admin.pendingApproval()).id, true)
      if (said.length === 4) await admin.decide((await admin.pendingApproval()).id, false, 'keep it')
      if (message.kind === 'waiting') await admin.deploy(bundle.replace('(^|/)\\.env(\\.|$)', '\\.(env|csv)$'))
    }
    expect(
      said.map(({ kind, tool, value, reason }) => [kind, tool ?? value ?? '', reason ?? value ?? '']),
      errors,
    ).toEqual([
      ['connected', '', ''],
      ['denied', 'read_file', expect.stringContaining('.env holds secrets')],
      ['result', 'read_file', 'contents of data.csv'],
      ['result', 'delete_file', 'deleted old.csv'],
      ['denied', 'delete_file', expect.stringContaining('keep it')],
      ['waiting', '', ''],
      ['updated', '', ''],
      ['denied', 'read_file', expect.stringContaining('data.csv holds secrets')],
      ['closed', '', ''],
    ])
    const { events } = {
      events: await admin.call<{ verdict: string; tool_name: string }[]>('GET', '/api/v1/events?agent_id=python-agent'),
    }
    expect(events.map((event) => event.verdict)).toEqual(
      expect.arrayContaining([
        'call_denied',
        'call_allowed',
        'call_executed',
        'call_approval_granted',
        'call_approval_denied',
      ]),
    )
  })
})
