import { createHash } from 'node:crypto'
import { Edictum, silentLogger } from '@lictor/guard'
import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { putGates, uploadGates } from '../../../test/gates.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { until } from '../../../test/runtime.ts'
import { verifyBytes } from '../signing/ed25519.ts'

const train = `apiVersion: edictum/v1
kind: Workflow
metadata: { name: train, version: "3" }
stages:
  - id: read
    tools: [read_file]
    exit: [{ condition: file_read("notes.md"), message: Read the notes first }]
  - id: write
    tools: [write_file]
# späte Anmerkung
`

onEachDatabase('gates', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const upload = async (yaml: string, more: Record<string, string> = {}) =>
    t.request({
      method: 'POST',
      url: '/api/v1/gates',
      headers: { ...(await t.admin()), ...more },
      payload: { yaml_content: yaml },
    })
  const get = async (url: string, headers?: Record<string, string>) =>
    t.request({ method: 'GET', url: `/api/v1${url}`, headers: headers ?? (await t.admin()) })
  const withBundle = async () => {
    t = await start()
    const answer = await t.request({
      method: 'POST',
      url: '/api/v1/bundles',
      headers: await t.admin(),
      payload: { yaml_content: bundleYaml('devops') },
    })
    expect(answer.statusCode).toBe(201)
  }

  it('a version is kept byte for byte under the hash of its bytes; repetitions of a request make one', async () => {
    t = await start()
    const once = { 'idempotency-key': 'one' }
    const answers = [await upload(train, once), await upload(train, once), await upload(train)]
    expect(answers.map((answer) => [answer.statusCode, answer.json().version])).toEqual([
      [201, 1],
      [201, 1],
      [201, 2],
    ])
    expect(answers[0]?.json()).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      tenant_id: expect.any(String),
      name: 'train',
      version: 1,
      revision_hash: createHash('sha256').update(train).digest('hex'),
      stage_count: 2,
      uploaded_by: 'admin@example.com',
      created_at: '2026-03-01T12:00:00Z',
    })
    expect((await get('/gates')).json().map((one: { version: number }) => one.version)).toEqual([2, 1])
    const stored = await get('/gates/train/1/yaml')
    expect([stored.headers['content-type'], stored.body]).toEqual(['application/x-yaml', train])
    expect((await get('/gates/train/3/yaml')).statusCode).toBe(404)
    expect((await get('/gates/other/1/yaml')).statusCode).toBe(404)
  })

  it('ten uploads at once get ten versions', async () => {
    t = await start()
    await t.admin()
    const answers = await Promise.all(Array.from({ length: 10 }, () => upload(train)))
    expect(answers.map((answer) => answer.json().version).sort((a, b) => a - b)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ])
  })

  it('a document that does not load is refused with what is wrong, and leaves nothing behind', async () => {
    t = await start()
    const wrong = {
      '{': /^Value error, workflow: YAML parse error/,
      [bundleYaml('x')]: /^Value error, workflow: /,
      [train.replace('tools: [write_file]', 'tool: write_file')]: /tool/,
      [train.replace('file_read("notes.md")', 'exec("make test")')]: /exec conditions run commands and are off/,
      [train.replace('name: train', `name: ${'n'.repeat(129)}`)]: /129 characters/,
      [train.replace('Read the notes', 'Read \ud800')]: /half a surrogate pair/,
    }
    for (const [yaml, told] of Object.entries(wrong)) {
      const answer = await upload(yaml)
      expect(answer.statusCode).toBe(422)
      expect(answer.json().detail[0]).toMatchObject({ loc: ['body', 'yaml_content'], msg: expect.stringMatching(told) })
    }
    expect((await get('/gates')).json()).toEqual([])
  })

  it('an agent of the environment is given what stands before its bundle: the bytes, signed, until they are taken back', async () => {
    await withBundle()
    const key = await t.agent('staging')
    const asked = () => get('/bundles/devops/gates?env=staging', key)
    expect((await asked()).json()).toEqual({ gates: null })
    const version = await uploadGates(t, train)
    expect((await asked()).json()).toEqual({ gates: null })
    const put = await putGates(t, 'devops', { name: 'train', version }, 'staging')
    expect(put.statusCode).toBe(200)
    expect(put.json()).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      env: 'staging',
      bundle_name: 'devops',
      gates_name: 'train',
      version: 1,
      deployed_by: 'admin@example.com',
      created_at: '2026-03-01T12:00:00Z',
    })
    const { gates } = (await asked()).json()
    expect(gates).toMatchObject({
      name: 'train',
      version: 1,
      revision_hash: createHash('sha256').update(train).digest('hex'),
      yaml_bytes: Buffer.from(train).toString('base64'),
    })
    const isSigned = verifyBytes(
      Buffer.from(gates.public_key, 'hex'),
      Buffer.from(train),
      Buffer.from(gates.signature, 'hex'),
    )
    expect(isSigned).toBe(true)
    expect((await get('/bundles/devops/gates?env=production')).json()).toEqual({ gates: null })
    expect((await get('/bundles/devops/gates?env=production', key)).statusCode).toBe(403)
    expect((await putGates(t, 'devops', null, 'staging')).statusCode).toBe(200)
    expect((await asked()).json()).toEqual({ gates: null })
    const past = (await get('/bundles/devops/gates/deployments?env=staging')).json()
    expect(past.map((one: { gates_name: string | null }) => one.gates_name)).toEqual([null, 'train'])
    expect((await get('/bundles/devops/gates/deployments?env=production')).json()).toEqual([])
  })

  it('are told to the agents and dashboards whom they concern (gates_update)', async () => {
    await withBundle()
    const version = await uploadGates(t, train)
    await putGates(t, 'devops', { name: 'train', version })
    await putGates(t, 'devops', null)
    const rows = await t.server.database.db
      .selectFrom('stream_log')
      .selectAll()
      .where('type', '=', 'gates_update')
      .orderBy('id')
      .execute()
    expect(rows.map((row) => JSON.parse(row.data))).toEqual([
      { type: 'gates_update', bundle_name: 'devops', gates_name: 'train', version: 1 },
      { type: 'gates_update', bundle_name: 'devops', gates_name: null, version: null },
    ])
  })

  it('a connected guard takes them with its bundle, and follows each change, also one that it missed', async () => {
    await withBundle()
    const address = await t.listen()
    const admin = await t.admin()
    await t.request({
      method: 'POST',
      url: '/api/v1/bundles/devops/1/deploy',
      headers: admin,
      payload: { env: 'production' },
    })
    const version = await uploadGates(t, train)
    await putGates(t, 'devops', { name: 'train', version })
    const { 'x-edictum-agent-id': agentId = 'agent-1', authorization = '' } = await t.agent()
    const signingPublicKey = (await get('/bundles/devops/current?env=production')).json().public_key
    const connected = (url: string) =>
      Edictum.fromServer({
        url,
        apiKey: authorization.replace('Bearer ', ''),
        agentId,
        bundleName: 'devops',
        verifySignatures: true,
        signingPublicKey,
        spool: false,
        logger: silentLogger,
      })
    const refusal = (guard: Edictum) =>
      guard.run('write_file', { path: 'a' }, () => 'written').catch((error: Error) => error.message)
    await using guard = await connected(address)
    expect(await refusal(guard)).toBe('Read the notes first')
    expect(await guard.workflowStatus()).toMatchObject({ name: 'train', version: '3', active_stage: 'read' })
    const again = await uploadGates(t, train.replace('the notes first', 'them all'))
    await putGates(t, 'devops', { name: 'train', version: again })
    await until(async () => (await refusal(guard)) === 'Read them all')
    await putGates(t, 'devops', null)
    await until(async () => (await refusal(guard)) === 'written')
    // Between what was fetched and the stream: whoever says what it goes through is told where that is past.
    const stream = async (gates: string) => {
      const url = `${address}/api/v1/stream?env=production&bundle_name=devops&gates=${gates}`
      const ending = new AbortController()
      const answer = await fetch(url, {
        headers: { authorization, 'x-edictum-agent-id': 'late' },
        signal: ending.signal,
      })
      let text = ''
      const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
      // The document is told to whoever names no policy version: it marks that connecting is over or nearly so.
      while (!/gates_update|contract_update/.test(text)) text += (await reader?.read())?.value ?? ''
      while (gates !== 'none' && !text.includes('gates_update')) text += (await reader?.read())?.value ?? ''
      ending.abort()
      return text
    }
    expect(await stream('0'.repeat(64))).toContain('"gates_name":null')
    expect(await stream('none')).not.toContain('gates_update')
  })

  it('stand before no bundle that there is not, in no version that there is not', async () => {
    await withBundle()
    const version = await uploadGates(t, train)
    expect((await putGates(t, 'other', { name: 'train', version })).statusCode).toBe(404)
    for (const gates of [
      { name: 'train', version: 2 },
      { name: 'other', version: 1 },
      { name: 'train', version: 2 ** 40 },
      { name: 'train', version: 0 },
    ]) {
      const answer = await putGates(t, 'devops', gates)
      expect(answer.statusCode).toBe(422)
    }
    expect((await putGates(t, 'devops', null, 'nowhere')).statusCode).toBe(422)
    expect((await get('/bundles/devops/gates/deployments')).json()).toEqual([])
  })
})
