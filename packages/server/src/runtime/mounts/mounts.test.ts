import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../test/harness.ts'
import { call, deployAgent, readStream, serviceHeaders, until, world } from '../../../test/runtime.ts'

const tools = ['fs.read', 'fs.write', 'fs.delete', 'run_command']

for (const sandbox of ['process', 'bubblewrap'])
  describe(`volumes in executions, in the sandbox '${sandbox}'`, () => {
    let t: TestServer
    afterEach(() => t.close())
    const open = world(async (environment) => {
      t = await startTestServer({ environment: { ...environment, LICTOR_SANDBOX: sandbox } })
      return t
    })
    const volumes = async (headers: Record<string, string>) => {
      const make = async (label: string, size?: number) =>
        (
          await t.request({
            method: 'POST',
            url: '/v1/volumes',
            headers,
            payload: { label, ...(size ? { size_limit_bytes: size } : {}) },
          })
        ).json<{ id: string }>().id
      const put = (id: string, path: string, payload: string) =>
        t.request({
          method: 'POST',
          url: `/v1/volumes/${id}/files/upload?path=${path}`,
          headers: { ...headers, 'content-type': 'application/octet-stream' },
          payload,
        })
      const get = async (id: string, path: string) => {
        const answer = await t.request({
          method: 'GET',
          url: `/v1/volumes/${id}/files/download?path=${path}`,
          headers,
        })
        return answer.statusCode === 200 ? answer.body : answer.statusCode
      }
      const show = async (id: string) => (await t.request({ method: 'GET', url: `/v1/volumes/${id}`, headers })).json()
      return { make, put, get, show }
    }
    const mounted = (more: object = {}) => ({
      tools,
      volumes: [{ name: 'data', storage_class: 'persistent', mount_path: '/workspace/data', ...more }],
    })

    it('an agent reads what is in a volume; what it writes, changes and deletes is there afterwards, and in the next run', async () => {
      const w = await open(
        [
          call('fs.read', { path: 'data/in.txt' }),
          call('fs.write', { path: 'data/deep/out.txt', content: 'written' }),
          call('run_command', {
            command: 'echo more >> data/in.txt; rm data/old.txt; mkdir data/empty; ln -s /etc data/link',
          }),
          { text: 'Done.' },
        ],
        mounted(),
      )
      const v = await volumes(w.headers)
      const id = await v.make('data')
      await v.put(id, 'in.txt', 'one\n')
      await v.put(id, 'old.txt', 'old')
      await v.put(id, 'same.txt', 'same')
      const { answer, events } = await w.run()
      expect(answer).toMatchObject({ status: 'completed', error: null })
      expect(w.told(events).join('\n')).toContain('one')
      expect(
        await Promise.all(['in.txt', 'deep/out.txt', 'old.txt', 'same.txt', 'link'].map((path) => v.get(id, path))),
      ).toEqual(['one\nmore\n', 'written', 404, 'same', 404])
      await until(async () => (await v.show(id)).status === 'available')
      expect(await v.show(id)).toMatchObject({ used_bytes: 20 })
      const again = await w.run()
      expect(again.answer.status).toBe('completed')
      expect(await v.get(id, 'in.txt')).toBe('one\nmore\nmore\n')
    })

    it('what is mounted read-only cannot be written by tools, and never changes', async () => {
      const w = await open(
        [
          call('fs.write', { path: 'data/in.txt', content: 'x' }),
          call('fs.delete', { path: 'data/in.txt' }),
          call('run_command', { command: 'echo x > data/in.txt; cat data/in.txt' }),
          { text: 'Done.' },
        ],
        mounted({ access_mode: 'read-only' }),
      )
      const v = await volumes(w.headers)
      const id = await v.make('data')
      await v.put(id, 'in.txt', 'kept')
      const { answer, events } = await w.run()
      expect(answer.status).toBe('completed')
      const refused = events.filter((event) => event.type === 'tool_policy_violation')
      expect(refused).toHaveLength(2)
      expect(JSON.stringify(refused)).toContain('mounted read-only')
      if (sandbox === 'bubblewrap') expect(w.told(events).at(-1)).toMatch(/Read-only file system/)
      expect(await v.get(id, 'in.txt')).toBe('kept')
    })

    it('commands of a judge see what the execution has that asks it, at the same place, and change nothing of it', async () => {
      const turn = (agent: string, answer: object) => ({ when: { agent }, ...answer })
      const w = await open(
        [
          turn('worker', call('fs.write', { path: 'data/out.txt', content: 'by the worker' })),
          turn('worker', { text: 'Done.' }),
          turn('critic', call('run_command', { command: 'cat data/in.txt data/out.txt; ls; echo x > data/in.txt' })),
          turn('critic', call('run_command', { command: 'echo x > data/new.txt; echo mine > own/note.txt' })),
          turn('critic', { text: '{"score": 0.9, "confidence": 0.9, "reasoning": "Read."}' }),
        ],
        { ...mounted(), execution: { validation: [{ type: 'semantic', judge_agent: 'critic' }] } },
      )
      const critic = await deployAgent(
        t,
        w.headers,
        {
          tools: ['run_command'],
          volumes: [{ name: 'own', storage_class: 'persistent', mount_path: '/workspace/own' }],
        },
        { name: 'critic', labels: { role: 'judge' } },
      )
      const v = await volumes(w.headers)
      const [id, own] = [await v.make('data'), await v.make('own')]
      await v.put(id, 'in.txt', 'in the volume, ')
      const { answer } = await w.run()
      expect(answer).toMatchObject({ status: 'completed', error: null })
      const children = await t.request({ method: 'GET', url: `/v1/executions?agent_id=${critic}`, headers: w.headers })
      const told = w.told(await w.events(children.json().items[0].id))
      expect(JSON.parse(told[1] ?? '').stdout).toBe('in the volume, by the workerdata\nown\n')
      if (sandbox === 'bubblewrap') expect(JSON.parse(told[1] ?? '').stderr).toMatch(/Read-only file system/)
      const files = await Promise.all(['in.txt', 'out.txt', 'new.txt'].map((path) => v.get(id, path)))
      expect(files).toEqual(['in the volume, ', 'by the worker', 404])
      // Its own volume is its own.
      expect(await v.get(own, 'note.txt')).toBe('mine\n')
      await until(async () => (await v.show(id)).status === 'available')
    })

    it('a volume of an execution goes after its time; one that is not there yet is made', async () => {
      const w = await open(
        [
          call('fs.write', { path: 'scratch/a', content: 'x' }),
          call('fs.write', { path: 'data/a', content: 'xx' }),
          { text: 'Done.' },
        ],
        {
          tools,
          volumes: [
            { name: 'scratch', storage_class: 'ephemeral', ttl_hours: 1, mount_path: '/workspace/scratch' },
            { name: 'data', storage_class: 'persistent', mount_path: '/workspace/data', size_limit: '1Mi' },
          ],
        },
      )
      const { id, answer } = await w.run()
      expect(answer.status).toBe('completed')
      const { db } = t.server.database
      const rows = () =>
        db
          .selectFrom('volumes')
          .select(['label', 'owner_kind', 'owner_id', 'size_limit', 'used_bytes'])
          .orderBy('label')
          .execute()
      expect(await rows()).toEqual([
        expect.objectContaining({ label: 'data', owner_kind: 'tenant', size_limit: 1024 ** 2, used_bytes: 2 }),
        expect.objectContaining({ label: 'scratch', owner_kind: 'execution', owner_id: id, used_bytes: 1 }),
      ])
      await t.clock.advance(3_600_000 + 301_000)
      // A sweep that was under way while the clock moved comes again only when it moves on.
      await until(async () => {
        await t.clock.advance(60_000)
        return (await rows()).length === 1
      })
      // Its token has run out meanwhile.
      const fresh = await serviceHeaders(t)
      const told = await readStream(w.address, '/v1/observability/events?follow=false', fresh)
      expect(told.filter(({ category }) => category === 'volume')).toMatchObject([
        { type: 'volume_created', execution_id: id, storage_class: { type: 'ephemeral', ttl: 'PT3600S' } },
        { type: 'volume_attached', instance_id: id, mount_point: '/workspace/scratch', access_mode: 'ReadWrite' },
        { type: 'volume_created', execution_id: null },
        { type: 'volume_attached', mount_point: '/workspace/data' },
        { type: 'volume_detached', instance_id: id },
        { type: 'volume_detached' },
        { type: 'volume_expired', volume_id: told.find(({ type }) => type === 'volume_created')?.volume_id },
        { type: 'volume_deleted' },
      ])
    })

    it('what does not fit the volume fails the attempt with the reason, and what was there stays', async () => {
      const w = await open(
        [call('run_command', { command: 'head -c 2000 /dev/zero > data/large' }), { text: 'Done.' }],
        {
          ...mounted(),
          execution: { mode: 'one-shot' },
        },
      )
      const v = await volumes(w.headers)
      const id = await v.make('data', 1000)
      await v.put(id, 'in.txt', 'kept')
      const { answer } = await w.run()
      expect(answer.status).toBe('failed')
      expect(answer.error).toMatch(
        /What was written to \/workspace\/data could not be kept: The volume 'data' may hold 1000 bytes/,
      )
      expect([await v.get(id, 'in.txt'), await v.get(id, 'large')]).toEqual(['kept', 404])
      await until(async () => (await v.show(id)).status === 'available')
      expect(await v.show(id)).toMatchObject({ used_bytes: 4 })
    })

    it('a volume that an execution has cannot be deleted', async () => {
      const w = await open(
        [call('run_command', { command: 'touch begun; while [ ! -e go ]; do sleep 0.02; done' }), { text: 'Done.' }],
        mounted(),
      )
      const v = await volumes(w.headers)
      const id = await v.make('data')
      const run = await w.start()
      await until(async () => existsSync(join(w.workspace(run), 'begun')))
      expect(await v.show(id)).toMatchObject({ status: 'attached' })
      const refused = await t.request({ method: 'DELETE', url: `/v1/volumes/${id}`, headers: w.headers })
      expect([refused.statusCode, refused.json().error]).toEqual([
        409,
        'volume is currently attached and cannot be deleted',
      ])
      await t.request({ method: 'POST', url: `/v1/executions/${run}/cancel`, headers: w.headers, payload: {} })
      await until(async () => (await v.show(id)).status === 'available')
    })

    it('a volume of somebody else is none, and the try is recorded once', async () => {
      const w = await open([{ text: 'never' }], {
        ...mounted({ source: { volume_id: '00000000-0000-4000-8000-000000000000' } }),
        execution: { mode: 'one-shot' },
      })
      const { answer } = await w.run()
      expect(answer).toMatchObject({ status: 'failed' })
      expect(answer.error).toContain('there is no volume 00000000-0000-4000-8000-000000000000')
      const list = await t.request({ method: 'GET', url: '/v1/storage/violations', headers: w.headers })
      expect(list.json().violations).toMatchObject([
        { category: 'unauthorized_volume_access', execution_id: expect.any(String) },
      ])
    })
  })

describe('volumes of a manifest', () => {
  let t: TestServer
  afterEach(() => t.close())

  it.each([
    [[{ name: 'a', mount_path: '/data' }], 'must be /workspace or below it'],
    [[{ name: 'a', mount_path: '/workspace/../x' }], "contains '..'"],
    [[{ name: 'a', mount_path: '/workspace/a', type: 'hostPath' }], "type 'hostPath' is not available"],
    [[{ name: 'a', mount_path: '/workspace/a', size_limit: '0' }], 'size_limit'],
    [
      [
        { name: 'a', mount_path: '/workspace/a' },
        { name: 'b', mount_path: '/workspace/a/b' },
      ],
      'lie over each other',
    ],
    [
      [
        { name: 'a', mount_path: '/workspace/a' },
        { name: 'b', mount_path: '/workspace/a/' },
      ],
      'lie over each other',
    ],
  ])('%j: whoever deploys it is told why it will not run, and it does not', async (volumes, why) => {
    t = await startTestServer()
    const headers = await serviceHeaders(t)
    const manifest = {
      apiVersion: '100monkeys.ai/v1',
      kind: 'Agent',
      metadata: { name: 'worker', version: '1.0.0' },
      spec: { runtime: { language: 'javascript', version: '20' }, task: { instruction: 'x' }, volumes },
    }
    const deployed = await t.request({ method: 'POST', url: '/v1/agents', headers, payload: manifest })
    const said = deployed.json<{ id: string; warnings?: string[]; message?: string }>()
    if (deployed.statusCode !== 200) return expect(JSON.stringify(said)).toContain(why)
    expect(said.warnings?.join()).toContain(why)
    const started = await t.request({
      method: 'POST',
      url: '/v1/executions',
      headers,
      payload: { agent_id: said.id, input: 'x' },
    })
    expect([started.statusCode, started.json().message]).toEqual([422, expect.stringContaining(why)])
  })
})
