import { expect, test } from 'vitest'
import { type SnippetInput, snippets } from './snippets.ts'

const input: SnippetInput = {
  url: 'http://localhost:8000',
  apiKey: 'edk_production_k',
  env: 'production',
  agentId: 'my-agent',
  bundleName: 'my-contracts',
}
const code = (change: Partial<SnippetInput> = {}) =>
  Object.fromEntries(snippets({ ...input, ...change }).map(({ id, code }) => [id, code]))

test('the snippets hold the real address, key, agent and bundle', () => {
  const { typescript, python } = code()
  expect(typescript).toContain(
    "url: 'http://localhost:8000',\n  apiKey: 'edk_production_k',\n  agentId: 'my-agent',\n  env: 'production',\n  bundleName: 'my-contracts',\n})",
  )
  expect(python).toContain(
    'url="http://localhost:8000",\n        api_key="edk_production_k",\n        agent_id="my-agent",\n        env="production",\n        bundle_name="my-contracts",\n    )',
  )
})

test('without a key at hand they read it from the environment', () => {
  const { typescript, python } = code({ apiKey: null })
  expect(typescript).toContain("apiKey: process.env.LICTOR_API_KEY ?? '',")
  expect(python).toContain('import os\n')
  expect(python).toContain('api_key=os.environ["LICTOR_API_KEY"],')
})

test('plain http to another machine is allowed explicitly, to this one it need not be', () => {
  expect(code({ url: 'http://10.0.0.5:8000' }).typescript).toContain('allowInsecure: true,')
  expect(code({ url: 'http://10.0.0.5:8000' }).python).toContain('allow_insecure=True,')
  for (const url of ['http://127.0.0.1:8000', 'http://[::1]:8000', 'https://lictor.example'])
    expect(code({ url }).typescript).not.toContain('allowInsecure')
})

test('without a bundle the server assigns one', () => {
  expect(code({ bundleName: null }).typescript).not.toContain('bundleName')
})

test('what Go and curl send is JSON, whatever the names, and goes to this server', () => {
  const { go = '', curl = '' } = code({ agentId: 'an.agent-1' })
  const recorded = /`(\{"events".*\})`/.exec(go)?.[1]?.replace('%d', '1').replace('%q', '"2026-01-01T00:00:00Z"')
  expect(JSON.parse(recorded ?? '')).toMatchObject({ events: [{ agent_id: 'an.agent-1', call_id: 'go-1' }] })
  const bodies = [...curl.matchAll(/-d "(.*)"$/gm)].map((match) => JSON.parse((match[1] ?? '').replaceAll('\\"', '"')))
  expect(bodies).toMatchObject([{ events: [{ agent_id: 'an.agent-1' }] }, { agent_id: 'an.agent-1', timeout: 300 }])
  expect(curl).toContain("'http://localhost:8000/api/v1/bundles/my-contracts/current?env=production'")
  expect(go).toContain('"http://localhost:8000/api/v1/events"')
})

test('every tab says what one would guess wrong', () => {
  for (const { note } of snippets(input)) expect(note).toMatch(/\w/)
})

test('the Python snippet installs what it needs, and sends its events before it ends', () => {
  const python = snippets(input).find(({ id }) => id === 'python')
  expect(python?.install).toBe("pip install 'edictum[server,yaml]==0.16.0'")
  const [flush, close] = [
    python?.code.indexOf('await sink.flush()') ?? -1,
    python?.code.indexOf('await guard.close()') ?? -1,
  ]
  expect(flush).toBeGreaterThan(0)
  expect(flush).toBeLessThan(close)
})
