// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the contract language
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { startTestServer, type TestServer } from '../../../test/harness.ts'
import type { DomainError } from '../../errors.ts'
import { NoThreadFree, ThreadFailed, ThreadTimeout } from '../../operations/threads/threads.ts'
import { createEvaluate } from './evaluate.ts'

const yamlOf = (contracts: object[], mode = 'enforce') =>
  JSON.stringify({
    apiVersion: 'edictum/v1',
    kind: 'ContractBundle',
    metadata: { name: 'trial' },
    defaults: { mode },
    contracts,
  })

const noEnv = {
  id: 'no-env',
  type: 'pre',
  tool: 'read_file',
  when: { 'args.path': { contains: '.env' } },
  then: { effect: 'deny', message: 'Sensitive {args.path}', tags: ['secrets'] },
}

/** The playground touches no database: one server does. */
describe('the playground', () => {
  let t: TestServer
  beforeAll(async () => {
    t = await startTestServer()
    await t.admin()
  })
  afterAll(() => t.close())

  const evaluate = async (payload: object, headers?: Record<string, string>) =>
    t.request({
      method: 'POST',
      url: '/api/v1/bundles/evaluate',
      headers: headers ?? (await t.admin()),
      payload,
    })
  const read = (path: string, more: object = {}) => ({
    yaml_content: yamlOf([noEnv]),
    tool_name: 'read_file',
    tool_args: { path },
    ...more,
  })

  it('begins a session, or goes on after what the call says', async () => {
    const after = { labels: ['untrusted'], tools: ['read_inbox'] }
    const noMail = { id: 'no-mail', type: 'pre', tool: 'mail', after, then: { effect: 'approve', message: 'Mail?' } }
    const trial = { yaml_content: yamlOf([noMail]), tool_name: 'mail' }
    const actions: string[] = []
    for (const more of [
      {},
      { after: { labels: ['untrusted'] } },
      { after: { tools: ['read_inbox'] } },
      { after: null },
    ])
      actions.push((await evaluate({ ...trial, ...more })).json().decision.action)
    expect(actions).toEqual(['allow', 'pending_approval', 'pending_approval', 'allow'])
  })

  it('tells which contract denies, and how it was judged', async () => {
    const answer = await evaluate(read('/app/.env'))
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({
      verdict: 'deny',
      mode: 'enforce',
      contracts_evaluated: [
        {
          id: 'no-env',
          type: 'precondition',
          matched: false,
          effect: 'warn',
          message: 'Sensitive /app/.env',
          observed: false,
          tags: ['secrets'],
          policy_error: false,
        },
      ],
      deciding_contract: 'no-env',
      policy_version: createHash('sha256')
        .update(yamlOf([noEnv]))
        .digest('hex')
        .slice(0, 12),
      evaluation_time_ms: expect.any(Number),
      decision: { action: 'deny', contract: 'no-env', source: 'yaml_precondition', reason: 'Sensitive /app/.env' },
      semantics: {
        kind: 'dry_run',
        description: expect.any(String),
        postconditions_skipped: 0,
        session_contracts_skipped: 0,
      },
    })
    expect(answer.json().evaluation_time_ms).toBeGreaterThanOrEqual(0)
  })

  it('allows what no contract names, and what none objects to', async () => {
    expect((await evaluate(read('/app/readme'))).json()).toMatchObject({
      verdict: 'allow',
      deciding_contract: null,
      contracts_evaluated: [{ id: 'no-env', matched: true, message: null }],
    })
    expect((await evaluate(read('.env', { tool_name: 'other' }))).json()).toMatchObject({
      verdict: 'allow',
      contracts_evaluated: [],
    })
  })

  it('in observe mode denies nothing and shows what would have been', async () => {
    const { verdict, mode, contracts_evaluated } = (
      await evaluate(read('.env', { yaml_content: yamlOf([noEnv], 'observe') }))
    ).json()
    expect([verdict, mode]).toEqual(['allow', 'observe'])
    expect(contracts_evaluated).toMatchObject([{ matched: false, observed: true }])
  })

  it('judges by principal and environment, absent and null alike', async () => {
    const contracts = [
      {
        id: 'ops-only',
        type: 'pre',
        tool: '*',
        when: { any: [{ 'principal.role': { not_equals: 'ops' } }, { environment: { equals: 'staging' } }] },
        then: { effect: 'deny', message: 'No' },
      },
    ]
    const verdict = async (more: object) =>
      (await evaluate({ yaml_content: yamlOf(contracts), tool_name: 'x', ...more })).json().verdict
    const ops = { user_id: 'u', role: 'ops', claims: { team: 'a' } }
    expect(await verdict({ principal: ops })).toBe('allow')
    expect(await verdict({ principal: { ...ops, role: 'dev' } })).toBe('deny')
    expect(await verdict({ principal: ops, environment: 'staging' })).toBe('deny')
    expect(await verdict({ principal: { ...ops, claims: null }, environment: null, agent_id: null })).toBe('allow')
  })

  it('says that a person would be asked where an approve contract fires', async () => {
    const asking = { ...noEnv, then: { effect: 'approve', message: 'May I?' } }
    const limit = {
      id: 'limit',
      type: 'session',
      limits: { max_tool_calls: 5 },
      then: { effect: 'deny', message: 'No' },
    }
    const answer = (await evaluate(read('.env', { yaml_content: yamlOf([asking, limit]) }))).json()
    expect(answer).toMatchObject({
      verdict: 'deny',
      decision: { action: 'pending_approval', contract: 'no-env' },
      semantics: { session_contracts_skipped: 1 },
    })
  })

  it('refuses what is no bundle without telling about itself', async () => {
    for (const yaml_content of ['{', '', 'a: &a [*a]', '!!python/object/apply:os.system ["id"]', 'metadata: {}']) {
      const answer = await evaluate({ yaml_content, tool_name: 'x' })
      expect(answer.statusCode).toBe(422)
      expect(answer.json().detail).toMatch(/^Invalid contract YAML: /)
      expect(answer.body).not.toMatch(/Traceback|File |node_modules|\.ts:/)
    }
    for (const tool_name of ['', 'a/b', 'a\u2028b'])
      expect((await evaluate(read('x', { tool_name }))).statusCode).toBe(422)
    expect((await evaluate({ tool_name: 'x' })).json().detail[0].loc).toEqual(['body', 'yaml_content'])
    expect((await evaluate({ yaml_content: 'x' })).json().detail[0].loc).toEqual(['body', 'tool_name'])
    expect((await evaluate(read('x', { environment: 'e'.repeat(65) }))).statusCode).toBe(422)
  })

  it('takes ten documents and a hundred contracts at most', async () => {
    const documents = await evaluate({ yaml_content: `${'a: 1\n---\n'.repeat(11)}b: 1`, tool_name: 'x' })
    expect([documents.statusCode, documents.json()]).toEqual([
      422,
      { detail: 'YAML contains 12 documents (limit: 10).' },
    ])
    const few = await evaluate({ yaml_content: 'a: 1\n---\nb: 1', tool_name: 'x' })
    expect(few.json().detail).toMatch(/^Invalid contract YAML: /)
    expect((await evaluate(read('x', { yaml_content: bundleYaml('many', { contracts: 100 }) }))).statusCode).toBe(200)
    const many = await evaluate(read('x', { yaml_content: bundleYaml('many', { contracts: 120 }) }))
    expect(many.json()).toEqual({ detail: 'Bundle contains 120 contracts (limit: 100).' })
  })

  it('denies a destructive command by its pattern, also for a principal', async () => {
    const shell = {
      id: 'no-destruction',
      type: 'pre',
      tool: 'bash',
      when: { 'args.command': { matches: '\\brm\\s+-[a-z]*[rf]' } },
      then: { effect: 'deny', message: 'No' },
    }
    const run = async (command: string, more: object = {}) =>
      (await evaluate({ yaml_content: yamlOf([shell]), tool_name: 'bash', tool_args: { command }, ...more })).json()
    expect(await run('sudo rm -rf /')).toMatchObject({ verdict: 'deny', deciding_contract: 'no-destruction' })
    expect(await run('rm -rf /', { principal: { user_id: 'u', role: 'admin' } })).toMatchObject({ verdict: 'deny' })
    expect(await run('ls -l')).toMatchObject({ verdict: 'allow', deciding_contract: null })
  })

  it('judges every precondition and sandbox of the tool, without stopping at the first, and names the first that decides', async () => {
    const watching = { ...noEnv, id: 'watching', mode: 'observe' }
    const contracts = [
      watching,
      { ...noEnv, id: 'first' },
      { ...noEnv, id: 'second', when: { 'args.path': { contains: 'app' } } },
      { ...noEnv, id: 'other-tool', tool: 'write_file' },
      {
        id: 'box',
        type: 'sandbox',
        tools: ['read_file'],
        within: ['/data'],
        message: 'Outside',
      },
      {
        id: 'after',
        type: 'post',
        tool: 'read_file',
        when: { 'output.text': { contains: 'x' } },
        then: { effect: 'warn', message: 'w' },
      },
    ]
    const answer = (await evaluate(read('/app/.env', { yaml_content: yamlOf(contracts) }))).json()
    expect(
      answer.contracts_evaluated.map((one: Record<string, unknown>) => [one.id, one.type, one.matched, one.observed]),
    ).toEqual([
      ['watching', 'precondition', false, true],
      ['first', 'precondition', false, false],
      ['second', 'precondition', false, false],
      ['box', 'sandbox', false, false],
    ])
    expect(answer).toMatchObject({ verdict: 'deny', deciding_contract: 'first' })
    expect(answer.semantics.postconditions_skipped).toBe(1)
  })

  it('takes each text up to its bound', async () => {
    const long = 'x'.repeat(255)
    const widest = {
      tool_name: long,
      agent_id: long,
      environment: 'e'.repeat(64),
      principal: { user_id: long, role: long },
    }
    const named = { ...read('x'), ...widest }
    expect((await evaluate(named)).statusCode).toBe(200)
    const more: [object, string[]][] = [
      [{ tool_name: `${long}x` }, ['body', 'tool_name']],
      [{ agent_id: `${long}x` }, ['body', 'agent_id']],
      [{ environment: 'e'.repeat(65) }, ['body', 'environment']],
      [{ principal: { user_id: `${long}x` } }, ['body', 'principal', 'user_id']],
      [{ principal: { role: `${long}x` } }, ['body', 'principal', 'role']],
      [{ principal: { claims: [] } }, ['body', 'principal', 'claims']],
      [{ principal: 'admin' }, ['body', 'principal']],
      [{ tool_args: [] }, ['body', 'tool_args']],
      [{ yaml_content: 'x'.repeat(1_048_577) }, ['body', 'yaml_content']],
    ]
    for (const [wrong, loc] of more) {
      const answer = await evaluate({ ...named, ...wrong })
      expect([answer.statusCode, answer.json().detail[0].loc]).toEqual([422, loc])
    }
  })

  it('says that five hundred equal entries are too many, and of a list of problems only where and what', async () => {
    const many = await evaluate(read('x', { yaml_content: yamlOf(Array.from({ length: 500 }, () => noEnv)) }))
    expect([many.statusCode, typeof many.json().detail]).toEqual([422, 'string'])
    const { detail } = (await evaluate({})).json()
    expect(detail.map((problem: object) => Object.keys(problem).sort())).toEqual([
      ['loc', 'msg'],
      ['loc', 'msg'],
    ])
  })

  it('keeps nothing: no bundle, no deployment, no event', async () => {
    await evaluate(read('/app/.env'))
    const { db } = t.server.database
    for (const table of ['bundles', 'deployments', 'events'] as const)
      expect(await db.selectFrom(table).select('tenant_id').execute()).toEqual([])
  })

  it('judges arguments of any shape, and is not changed by their keys', async () => {
    const deep = JSON.parse(`${'{"a":'.repeat(80)}1${'}'.repeat(80)}`)
    expect((await evaluate(read('x', { tool_args: deep }))).statusCode).toBe(200)
    const headers = { ...(await t.admin()), 'content-type': 'application/json' }
    const payload = `{"yaml_content":${JSON.stringify(yamlOf([noEnv]))},"tool_name":"read_file","tool_args":{"__proto__":{"path":".env"}}}`
    const answer = await t.request({ method: 'POST', url: '/api/v1/bundles/evaluate', headers, payload })
    expect([answer.statusCode, answer.json().verdict]).toEqual([200, 'allow'])
  })

  it('is not for agents', async () => {
    expect((await evaluate(read('x'), await t.agent())).statusCode).toBe(401)
    expect((await evaluate(read('x'), { 'x-requested-with': 'test', 'x-api-key': 'edk_x' })).statusCode).toBe(401)
  })

  it('answers a fifth evaluation at once when one of four ends', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => evaluate(read('.env'))))
    expect(answers.map((answer) => answer.json().verdict)).toEqual(Array(12).fill('deny'))
  })
})

describe('the playground, when threads are busy or broken', () => {
  const failing = (error: Error) =>
    createEvaluate({ threads: { run: () => Promise.reject(error), close: async () => {} } })
  const call = { yaml: 'a: 1', toolName: 'x', toolArgs: {}, environment: 'production', principal: null }

  it('sends those who find no slot away without telling them when to come back', async () => {
    const refusal = await failing(new NoThreadFree('busy'))(call).catch((error: DomainError) => error)
    expect(refusal).toMatchObject({
      status: 429,
      message: 'Too many concurrent evaluations. Try again shortly.',
      headers: {},
    })
  })

  it('says that a bundle took too long', async () => {
    await expect(failing(new ThreadTimeout('slow'))(call)).rejects.toMatchObject({
      status: 422,
      message: 'Evaluation timed out — contract bundle may be too complex.',
    })
    await expect(failing(new ThreadFailed('memory'))(call)).rejects.toMatchObject({ status: 422 })
  })
})
