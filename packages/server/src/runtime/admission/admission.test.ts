import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AgentManifest } from '@lictor/aegis'
import { afterEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../test/harness.ts'
import { deployAgent, serviceHeaders } from '../../../test/runtime.ts'
import type { DomainError } from '../../errors.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import { findContext } from '../contexts/security-contexts.ts'
import { createAdmit } from './admission.ts'
import { ContextMissing, type ContextSources } from './context.ts'

const manifestOf = (spec: object = {}) =>
  AgentManifest.from({
    apiVersion: '100monkeys.ai/v1',
    kind: 'Agent',
    metadata: { name: 'worker', version: '1.0.0', description: 'Counts.' },
    spec: { runtime: { language: 'python', version: '3.12' }, task: { instruction: 'Work.' }, ...spec },
  })

const files: Record<string, Uint8Array> = {}
const sources: ContextSources = {
  async readFile(path) {
    const bytes = files[path]
    if (!bytes) throw new ContextMissing(`There is no file '${path}'.`)
    return bytes
  },
  listFiles: async (path) => Object.keys(files).filter((name) => name.startsWith(`${path}/`)),
  fetch: async (url) => Buffer.from(`From ${url}`),
}
const tools = { find: (name: string) => (name.startsWith('fs.') ? {} : null), list: () => [{ name: 'fs.read' }] }
const contexts = { find: async (_scope: unknown, name: string) => findContext(name) }
const scope = scopeOfRecord({ tenantId: 't' })
const admit = (spec: object, request: object, status = 'active') =>
  createAdmit({ tools, sources, contexts })({ name: 'worker', status, manifest: manifestOf(spec) }, request, scope)
const refusal = async (...given: Parameters<typeof admit>) =>
  admit(...given).then(
    () => 'admitted',
    (error: DomainError) => [error.status, error.message],
  )

describe('what an agent is given', () => {
  it.each<[string, object, object, unknown]>([
    ['a text', {}, { input: 'go' }, 'go'],
    ['any JSON', {}, { input: [1, false] }, [1, false]],
    ['the input of a workflow before the other', {}, { input: 'a', workflow_input: { b: 1 } }, { b: 1 }],
    ['nothing but an intent', {}, { input: null, intent: 'Count.' }, null],
    ['attachments beside fields', {}, { input: { a: 1 }, attachments: [{ p: 1 }] }, { a: 1, attachments: [{ p: 1 }] }],
    ['attachments beside a value', {}, { input: 'go', attachments: [1] }, { value: 'go', attachments: [1] }],
    ['attachments alone with an intent', {}, { intent: 'x', attachments: [1] }, { value: null, attachments: [1] }],
    ['data of the manifest', { task: { instruction: 'x', input_data: { a: 1 } } }, {}, { a: 1 }],
    [
      'fields over those',
      { task: { instruction: 'x', input_data: { a: 1, b: 2 } } },
      { input: { b: 3 } },
      { a: 1, b: 3 },
    ],
    ['another value instead', { task: { instruction: 'x', input_data: { a: 1 } } }, { input: 'go' }, 'go'],
  ])('%s', async (_name, spec, request, input) => {
    expect((await admit(spec, request)).input).toEqual(input)
  })

  it('is refused with words, in the order that is promised', async () => {
    const schema = {
      input_schema: { type: 'object', required: ['n'] },
      security_context: 'nowhere',
      tools: ['mail.read'],
    }
    expect(await refusal(schema, {}, 'paused')).toEqual([409, expect.stringContaining('is paused')])
    expect(await refusal(schema, { input: {} })).toEqual([422, "Unknown security context: 'nowhere'"])
    const { security_context: _context, ...rest } = schema
    expect(await refusal(rest, {})).toEqual([422, 'Input is null or empty'])
    expect(await refusal(rest, { input: {}, context_overrides: 7 })).toEqual([
      422,
      "Input validation failed: input must have required property 'n'",
    ])
    expect(await refusal(rest, { input: { n: 1 }, context_overrides: 7 })).toEqual([
      422,
      expect.stringContaining("Agent requested tool 'mail.read' but it is not available"),
    ])
    expect(await refusal({}, { input: 'x', context_overrides: [] })).toEqual([
      422,
      'Context overrides must be a JSON object',
    ])
    for (const key of ['instruction', 'iteration_number', 'previous_error'])
      expect(await refusal({}, { input: 'x', context_overrides: { [key]: 1 } })).toEqual([
        422,
        `Context override key '${key}' is reserved and cannot be overridden`,
      ])
    for (const empty of [{}, { input: null }, { input: '' }, { intent: ' ' }, { input: null, intent: null }])
      expect(await refusal({}, empty)).toEqual([422, 'Input is null or empty'])
    expect(await refusal({ input_schema: { type: 'nothing' } }, { input: 1 })).toEqual([
      422,
      expect.stringContaining('Agent input_schema is invalid'),
    ])
    expect(await refusal({ task: { instruction: 'x', prompt_template: '{{#if' } }, { input: 1 })).toEqual([
      422,
      expect.stringContaining('spec.task.prompt_template is broken'),
    ])
  })

  it('is what the schema judges, not what is made of it, and every problem is told', async () => {
    const spec = {
      input_schema: { properties: { a: { type: 'number' }, b: { type: 'number' } }, additionalProperties: false },
    }
    expect(await refusal(spec, { input: { a: 1 }, attachments: [1] })).toBe('admitted')
    expect(await refusal(spec, { input: { a: 'x', b: 'y' } })).toEqual([
      422,
      'Input validation failed: /a must be number; /b must be number',
    ])
  })

  it('and the overrides are variables of the prompt', async () => {
    const spec = { task: { instruction: 'Work.', prompt_template: '{{instruction}} {{tone}}: {{input}}' } }
    expect((await admit(spec, { input: { a: 1 }, context_overrides: { tone: 'dry' } })).prompt).toBe(
      'Work. dry: {"a":1}',
    )
  })
})

describe('spec.context', () => {
  const context = async (...items: object[]) =>
    (await admit({ task: { instruction: 'x', prompt_template: '{{context}}' }, context: items }, { input: 'go' }))
      .prompt
  const refused = async (...items: object[]) => refusal({ context: items }, { input: 'go' })

  it('is joined under its descriptions, of every kind', async () => {
    files['/workspace/a.md'] = Buffer.from('Text A.')
    files['/workspace/docs/b.md'] = Buffer.from('Text B.')
    files['/workspace/docs/.git/c'] = Buffer.from('Hidden.')
    files['/workspace/docs/d.png'] = Buffer.from('Image.')
    files['/workspace/docs/e'] = Buffer.from([0xff, 0xfe, 0])
    expect(
      await context(
        { type: 'text', content: 'Said.', description: 'First' },
        { type: 'file', path: '/workspace/a.md', description: 'Second' },
        { type: 'directory', path: '/workspace/docs', description: 'Third' },
        { type: 'url', url: 'https://example.com/x' },
      ),
    ).toBe(
      [
        '# First\n\nSaid.\n\n---\n\n',
        '# Second\n\nText A.\n\n---\n\n',
        '# Third: /workspace/docs/b.md\n\nText B.\n\n---\n\n',
        '# https://example.com/x\n\nFrom https://example.com/x\n\n---\n\n',
      ].join(''),
    )
  })

  it('is refused with its place when it is missing, too large or no text', async () => {
    files['/workspace/large'] = Buffer.alloc(5 * 1024 ** 2 + 1, 'x')
    files['/workspace/binary'] = Buffer.from([0xff, 0xfe])
    expect(await refused({ type: 'text', content: 'x' }, { type: 'file', path: '/workspace/no' })).toEqual([
      422,
      "spec.context[1]: There is no file '/workspace/no'.",
    ])
    expect(await refused({ type: 'file', path: '/workspace/large' })).toEqual([
      422,
      "spec.context[0]: '/workspace/large' is larger than 5 MB.",
    ])
    expect(await refused({ type: 'file', path: '/workspace/binary' })).toEqual([
      422,
      "spec.context[0]: '/workspace/binary' is no UTF-8 text.",
    ])
    const half = 'x'.repeat(100_000)
    const many = Array.from({ length: 106 }, () => ({ type: 'text', content: half }))
    expect(await refused(...many)).toEqual([422, expect.stringContaining('spec.context is larger than 10 MB')])
  })
})

describe('addresses in spec.context', () => {
  let t: TestServer
  const web = createServer((request, response) => {
    if (request.url === '/page') response.end('A page.')
    else if (request.url === '/away') response.writeHead(302, { location: '/page' }).end()
    else response.writeHead(404).end()
  })
  afterEach(async () => {
    web.close()
    await t.close()
  })

  it('are read through the guard: nothing private unless the operator allows it, and no redirects', async () => {
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
    const start = async (url: string) => {
      const headers = await serviceHeaders(t)
      const spec = {
        task: { instruction: 'x', prompt_template: '{{context}}' },
        context: [{ type: 'url', url, description: 'Page' }],
      }
      const id = await deployAgent(t, headers, spec, { version: crypto.randomUUID() })
      const payload = { agent_id: id, input: 'go' }
      const answer = await t.request({ method: 'POST', url: '/v1/executions', headers, payload })
      return [answer.statusCode, answer.json().error]
    }
    t = await startTestServer()
    expect(await start(`${origin}/page`)).toEqual([
      422,
      expect.stringContaining(`spec.context[0]: '${origin}/page' cannot be read`),
    ])
    expect((await start('http://169.254.169.254/latest'))[0]).toBe(422)
    expect((await start('file:///etc/passwd'))[0]).toBe(422)
    await t.close()
    t = await startTestServer({ environment: { LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8' } })
    expect((await start(`${origin}/away`))[0]).toBe(422)
    expect(await start(`${origin}/nowhere`)).toEqual([422, `spec.context[0]: '${origin}/nowhere' answered 404.`])
    await t.listen()
    expect((await start(`${origin}/page`))[0]).toBe(200)
    const { prompt } = await t.server.database.db.selectFrom('executions').select('prompt').executeTakeFirstOrThrow()
    expect(prompt).toBe('# Page\n\nA page.\n\n---\n\n')
  })
})
