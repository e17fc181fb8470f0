import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import { stringify } from 'yaml'
import type {} from './databases.global.ts'
import { dockerProblem, importTestImage, startEngine, TEST_IMAGE } from './docker.ts'
import { type Killable, killable } from './killable.ts'

// Each test starts several processes.
vi.setConfig({ testTimeout: 180_000 })

interface Run {
  readonly status: string
  readonly current_state: string
  readonly state_outputs: Readonly<Record<string, { readonly stdout?: string }>>
}

describe.each(['SQLite', 'PostgreSQL'])('workflows whose server is killed (%s)', (name) => {
  const base = inject('postgresUrl')
  const isHere = name === 'SQLite' || base !== ''
  const database = `t_${randomUUID().replaceAll('-', '')}`
  let folder: string
  let server: Killable
  afterEach(async () => {
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
    if (name === 'PostgreSQL') await administer(base, `drop database if exists ${database} with (force)`)
  })

  async function open(environment: Readonly<Record<string, string>> = {}): Promise<void> {
    if (name === 'PostgreSQL') await administer(base, `create database ${database}`)
    folder = mkdtempSync(join(tmpdir(), 'lictor-workflow-kill-'))
    writeFileSync(join(folder, 'script.yaml'), stringify({ turns: [{ text: 'written', delay_ms: 2000 }] }))
    server = killable({
      LICTOR_DATA_DIR: folder,
      LICTOR_MODEL_SCRIPT: join(folder, 'script.yaml'),
      LICTOR_SANDBOX: 'process',
      ...environment,
      ...(name === 'PostgreSQL' ? { DATABASE_URL: `${base}/${database}` } : {}),
    })
    await server.start()
    await server.signIn()
  }
  async function killAndStart(): Promise<void> {
    await server.kill()
    await server.start()
    await server.signIn()
  }
  async function call<T>(method: string, path: string, body?: object | string): Promise<T> {
    const answer = await server.call(method, path, body)
    if (answer.status >= 300) throw new Error(`${path}: ${await answer.text()}`)
    return (await answer.json()) as T
  }
  const register = (states: object, workflow = 'flow') =>
    call('POST', '/v1/workflows', { name: workflow, definition: { initial_state: Object.keys(states)[0], states } })
  const start = async () => (await call<{ execution_id: string }>('POST', '/v1/workflows/flow/run', {})).execution_id
  const get = (id: string) => call<Run>('GET', `/v1/workflows/executions/${id}`)
  const eventsOf = async (id: string) =>
    (await call<{ events: { type: string; state_name?: string }[] }>('GET', `/v1/workflows/executions/${id}/logs`))
      .events
  const exitsOf = async (id: string) =>
    (await eventsOf(id)).flatMap(({ type, state_name }) => (type === 'WorkflowStateExited' ? [state_name] : []))

  it.runIf(isHere)(
    'while an agent, a command and a person work: the run goes on in that state, and what was done is not done again',
    async () => {
      await open()
      const agent = { name: 'writer', language: 'javascript', version: '20', instruction: 'Write.' }
      await call('POST', '/v1/agents', stringify(agent))
      await register({
        FIRST: { kind: 'System', command: 'echo first >> log', transitions: [{ target: 'WRITE' }] },
        WRITE: {
          kind: 'Agent',
          agent: 'writer',
          input: 'go',
          transitions: [{ condition: 'on_success', target: 'SLOW' }],
        },
        SLOW: { kind: 'System', command: 'echo slow >> log; sleep 2', transitions: [{ target: 'ASK' }] },
        ASK: { kind: 'Human', prompt: 'ok?', transitions: [{ target: 'LAST' }] },
        LAST: { kind: 'System', command: 'cat log', transitions: [] },
      })
      const id = await start()
      const executions = async () =>
        (await call<{ executions: { status: string }[] }>('GET', '/v1/executions')).executions
      await until(async () => (await executions())[0]?.status === 'running')
      await killAndStart()
      await until(async () => (await get(id)).current_state === 'SLOW')
      await killAndStart()
      const pending = async () => (await call<{ items: { id: string }[] }>('GET', '/v1/human-approvals')).items
      await until(async () => (await pending()).length === 1)
      const asked = await pending()
      await killAndStart()
      expect(await pending()).toEqual(asked)
      await call('POST', `/v1/human-approvals/${asked[0]?.id}/approve`, {})
      await until(async () => (await get(id)).status !== 'running')
      const run = await get(id)
      expect(run.status).toBe('completed')
      // What was under way is begun again, nothing else is; the agent's execution went on.
      expect(run.state_outputs.LAST?.stdout).toMatch(/^first\n(slow\n){1,2}$/)
      expect(run.state_outputs.WRITE).toMatchObject({ status: 'success', output: 'written' })
      expect(await exitsOf(id)).toEqual(['FIRST', 'WRITE', 'SLOW', 'ASK', 'LAST'])
      expect((await executions()).map(({ status }) => status)).toEqual(['completed'])
      await until(async () => readdirSync(join(folder, 'workflows')).length === 0)
    },
  )

  it.runIf(isHere)(
    'while several agents, a judge and a sub-workflow work: what was begun is found again, and nothing is begun twice',
    async () => {
      await open()
      const agent = (agentName: string, text: string) =>
        call(
          'POST',
          '/v1/agents',
          stringify({
            apiVersion: '100monkeys.ai/v1',
            kind: 'Agent',
            metadata: {
              name: agentName,
              version: '1.0.0',
              annotations: { 'lictor.dev/script': stringify({ turns: [{ text, delay_ms: 2000 }] }) },
            },
            spec: {
              runtime: { language: 'javascript', version: '20', model: 'scripted' },
              task: { instruction: 'Work.' },
            },
          }),
        )
      await agent('writer', 'written')
      await agent('judge', JSON.stringify({ score: 1, confidence: 1, reasoning: 'good' }))
      await register({ ASK: { kind: 'Human', prompt: 'ok?', transitions: [] } }, 'inner')
      await register({
        MANY: {
          kind: 'ParallelAgents',
          agents: [
            { agent: 'writer', input: 'a' },
            { agent: 'writer', input: 'b' },
          ],
          consensus: { strategy: 'unanimous' },
          transitions: [{ condition: 'on_success', target: 'JUDGED' }],
        },
        JUDGED: {
          kind: 'Agent',
          agent: 'writer',
          input: 'c',
          judges: [{ agent_id: 'judge' }],
          transitions: [{ condition: 'score_above', threshold: 0.9, target: 'SUB' }],
        },
        SUB: { kind: 'Subworkflow', workflow_id: 'inner', mode: 'blocking', result_key: 'made', transitions: [] },
      })
      const id = await start()
      const executions = async () =>
        (await call<{ executions: { status: string }[] }>('GET', '/v1/executions')).executions
      const runs = async () =>
        (await call<{ executions: { id: string }[] }>('GET', '/v1/workflows/executions')).executions
      await until(async () => (await executions()).filter(({ status }) => status === 'running').length === 2)
      await killAndStart()
      await until(async () => (await executions()).length === 4)
      await killAndStart()
      const pending = async () => (await call<{ items: { id: string }[] }>('GET', '/v1/human-approvals')).items
      await until(async () => (await pending()).length === 1)
      const asked = await pending()
      await killAndStart()
      expect(await pending()).toEqual(asked)
      await call('POST', `/v1/human-approvals/${asked[0]?.id}/approve`, {})
      await until(async () => (await get(id)).status !== 'running')
      const run = await get(id)
      expect(run).toMatchObject({
        status: 'completed',
        state_outputs: { JUDGED: { score: 1, iterations: 1 }, SUB: { status: 'approved' } },
      })
      expect(await exitsOf(id)).toEqual(['MANY', 'JUDGED', 'SUB'])
      expect((await executions()).map(({ status }) => status)).toEqual(Array(4).fill('completed'))
      expect(await runs()).toHaveLength(2)
    },
  )

  it.runIf(isHere && dockerProblem === null)(
    'while containers work: none outlives its server, and what was under way is begun again',
    async () => {
      const docker = await startEngine()
      try {
        await importTestImage(docker.engine)
        await open({ LICTOR_DOCKER_SOCKET: docker.socket })
        const step = (stepName: string, script: string) => ({
          name: stepName,
          image: TEST_IMAGE,
          command: ['sh', '-c', script],
        })
        await register({
          ONE: {
            kind: 'ContainerRun',
            ...step('one', 'echo one >> log; sleep 3'),
            transitions: [{ condition: 'exit_code_zero', target: 'TWO' }],
          },
          TWO: {
            kind: 'ParallelContainerRun',
            steps: [step('a', 'echo a >> log; sleep 3'), step('b', 'echo b >> log; sleep 3')],
            transitions: [{ condition: 'on_success', target: 'LAST' }],
          },
          LAST: { kind: 'System', command: 'sort log', transitions: [] },
        })
        const id = await start()
        const running = async () => (await docker.engine.listContainers()).length
        await until(async () => (await running()) === 1)
        await killAndStart()
        await until(async () => (await get(id)).current_state === 'TWO' && (await running()) === 2)
        await killAndStart()
        await until(async () => (await get(id)).status !== 'running')
        const run = await get(id)
        expect(run.status).toBe('completed')
        expect(run.state_outputs.LAST?.stdout).toMatch(/^(a\n){1,2}(b\n){1,2}(one\n){1,2}$/)
        expect(await exitsOf(id)).toEqual(['ONE', 'TWO', 'LAST'])
        expect(await docker.engine.listContainers({ all: true })).toEqual([])
      } finally {
        await server.kill()
        await docker.stop()
      }
    },
  )

  it.runIf(isHere && dockerProblem === null)(
    'while a task in words is done: it is done to its end, and its end is told once',
    async () => {
      const docker = await startEngine()
      try {
        await importTestImage(docker.engine, 'node:20-slim')
        await open({ LICTOR_DOCKER_SOCKET: docker.socket, LICTOR_DEPLOY_BUILTINS: 'on' })
        const agent = (agentName: string, turns: readonly object[], tools: readonly string[] = []) =>
          call<{ id: string }>(
            'POST',
            '/v1/agents',
            stringify({
              apiVersion: '100monkeys.ai/v1',
              kind: 'Agent',
              metadata: {
                name: agentName,
                version: '1.0.0',
                annotations: { 'lictor.dev/script': stringify({ turns }) },
              },
              spec: {
                runtime: { language: 'javascript', version: '20', model: 'scripted' },
                task: { instruction: 'Work.' },
                tools,
              },
            }),
          )
        const code = 'setTimeout(() => console.log("done"), 3000)'
        await agent('intent-code-writer', [{ text: JSON.stringify({ code }), delay_ms: 2000 }])
        await agent('intent-code-validator', [{ text: JSON.stringify({ valid: true, problem: '' }) }])
        await agent('intent-result-writer', [{ text: 'It is done.', delay_ms: 2000 }])
        const asking = { name: 'aegis.execute.intent', arguments: { intent: 'Wait.', language: 'javascript' } }
        const { id: asker } = await agent('asker', [{ tool_calls: [asking] }, { text: 'Begun.' }], [asking.name])
        await call('POST', '/v1/executions', { agent_id: asker, input: 'go' })
        const runs = async () =>
          (await call<{ executions: (Run & { id: string })[] }>('GET', '/v1/workflows/executions')).executions
        const isAt = async (name: string) => (await runs())[0]?.current_state === name
        await until(() => isAt('WRITE_CODE'))
        await killAndStart()
        await until(async () => (await docker.engine.listContainers()).length === 1)
        await killAndStart()
        await until(async () => (await runs())[0]?.status !== 'running')
        // In the moment of its end, when its pipeline may not have heard of it.
        await killAndStart()
        const [begun] = await runs()
        const run = await get(begun?.id ?? '')
        expect(run).toMatchObject({ status: 'completed', final_output: 'It is done.' })
        expect(await exitsOf(begun?.id ?? '')).toEqual(['WRITE_CODE', 'VALIDATE_CODE', 'EXECUTE_CODE'])
        expect(await runs()).toHaveLength(1)
        const told = async () =>
          [
            ...(await (await server.call('GET', '/v1/observability/events?follow=false')).text()).matchAll(
              /"type":"(intent_execution_pipeline_\w+)"/g,
            ),
          ].map(([, type]) => type)
        await until(async () => (await told()).length > 1)
        expect(await told()).toEqual(['intent_execution_pipeline_started', 'intent_execution_pipeline_completed'])
      } finally {
        await server.kill()
        await docker.stop()
      }
    },
  )
})

async function administer(base: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${base}/postgres` })
  await client.connect()
  await client.query(statement)
  await client.end()
}

/** Wait for something another process does. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}
