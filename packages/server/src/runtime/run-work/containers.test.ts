import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { dockerProblem, importTestImage, startEngine, TEST_IMAGE, type TestEngine } from '../../../test/docker.ts'
import { startTestServer, type TestServer } from '../../../test/harness.ts'
import { until } from '../../../test/runtime.ts'
import { workflowWorld } from '../../../test/workflow-runs.ts'
import { pauseOf } from './containers.ts'

describe.skipIf(dockerProblem !== null)('containers of workflows', () => {
  let docker: TestEngine
  let t: TestServer
  beforeAll(async () => {
    docker = await startEngine()
    await importTestImage(docker.engine)
  }, 120_000)
  afterEach(() => t.close())
  afterAll(() => docker.stop())
  const open = workflowWorld(async (environment) => {
    t = await startTestServer({ environment: { ...environment, LICTOR_DOCKER_SOCKET: docker.socket } })
    return t
  })
  const containers = () => docker.engine.listContainers({ all: true })
  const step = (name: string, script: string, more: object = {}) => ({
    name,
    image: TEST_IMAGE,
    command: ['sh', '-c', script],
    ...more,
  })
  const run = (script: string, more: object = {}) => ({
    kind: 'ContainerRun',
    ...step('one', script),
    image_pull_policy: 'Never',
    transitions: [],
    ...more,
  })
  const ended = async (states: object, body: object = {}) => {
    const w = await open()
    await w.register(states)
    return w.ended(await w.run(body))
  }

  it('containers have the volumes of their workflow: what is written is kept, what is read-only never changes', async () => {
    const w = await open()
    const made = await w.send('POST', '/v1/volumes', { label: 'inputs' })
    const inputs = made.json<{ id: string }>().id
    const upload = await t.request({
      method: 'POST',
      url: `/v1/volumes/${inputs}/files/upload?path=in.txt`,
      headers: { ...w.headers, 'content-type': 'application/octet-stream' },
      payload: 'given',
    })
    expect(upload.statusCode).toBe(200)
    const volumes = [
      { name: 'workspace', mount_path: '/workspace' },
      { name: 'inputs', mount_path: '/workspace/inputs', read_only: true },
    ]
    await w.register(
      {
        BUILD: run('cat inputs/in.txt > built.txt; echo changed > inputs/in.txt; ls', {
          volumes,
          transitions: [{ target: 'BOTH' }],
        }),
        BOTH: {
          kind: 'ParallelContainerRun',
          completion: 'all_succeed',
          steps: [
            step('one', 'cat inputs/in.txt; echo 1 > one.txt', { volumes }),
            step('two', 'cat built.txt; echo 2 > two.txt', { volumes }),
          ],
          transitions: [{ target: 'AFTER' }],
        },
        AFTER: { kind: 'System', command: 'ls; cat one.txt two.txt', transitions: [] },
      },
      {},
      { storage: { workspace: {}, shared_volumes: [{ name: 'inputs', volume_id: inputs }] } },
    )
    const { run: record } = await w.ended(await w.run())
    expect(record.status).toBe('completed')
    expect(record.state_outputs.BUILD.stdout).toBe('built.txt\ninputs\n')
    expect(record.state_outputs.BOTH.output).toMatchObject({ one: { stdout: 'given' }, two: { stdout: 'given' } })
    expect(record.state_outputs.AFTER.stdout).toBe('built.txt\none.txt\ntwo.txt\n1\n2\n')
    const kept = await w.send('GET', `/v1/volumes/${inputs}/files/download?path=in.txt`)
    expect(kept.body).toBe('given')
    await until(
      async () => (await w.send('GET', `/v1/volumes/${record.blackboard.workspace_volume_id}`)).statusCode === 404,
    )
  })

  it('a container has its image, its input and the folder of the run, and nothing of this server or a network', async () => {
    const script =
      'pwd; echo "$INTENT_INPUTS"; env | grep -c LICTOR; ls /sys/class/net; echo no > /etc/x || echo sealed; cat before; echo made > after; exit 3'
    const { run: record, log } = await ended(
      {
        BEFORE: { kind: 'System', command: 'echo from the server > before', transitions: [{ target: 'BUILD' }] },
        BUILD: run(script, { transitions: [{ condition: 'exit_code', value: 3, target: 'AFTER' }] }),
        AFTER: { kind: 'System', command: 'cat after', transitions: [] },
      },
      { input: { n: 1 } },
    )
    expect(record.state_outputs).toMatchObject({
      BUILD: { status: 'failed', exit_code: 3, attempts: 1, output: { exit_code: 3 } },
      AFTER: { stdout: 'made\n' },
    })
    expect(record.state_outputs.BUILD.stdout).toBe('/workspace\n{"n":1}\n0\nlo\nsealed\nfrom the server\n')
    const told = log.filter(({ type }) => type.startsWith('ContainerRun'))
    expect(told.map(({ type }) => type)).toEqual(['ContainerRunStarted', 'ContainerRunCompleted'])
    expect(told[1]?.details).toMatchObject({
      type: 'container_run',
      ContainerRunCompleted: { state_name: 'BUILD', step_name: 'one', exit_code: 3 },
    })
    expect(await containers()).toEqual([])
  })

  it('an image that there is not fails the state in words, after as many attempts as it may have', async () => {
    const w = await open()
    await w.register({
      BUILD: {
        ...run('true', { retry: { max_attempts: 3, backoff: '10s' } }),
        image: 'nobody/nothing:1',
        transitions: [{ condition: 'on_failure', target: 'LOST' }],
      },
      LOST: { kind: 'System', command: 'true', transitions: [] },
    })
    const id = await w.run()
    await until(async () => {
      await t.clock.advance(5_000)
      return (await w.get(id)).status !== 'running'
    })
    const { run: record, log } = await w.ended(id)
    expect(record).toMatchObject({
      current_state: 'LOST',
      state_outputs: {
        BUILD: {
          status: 'failed',
          exit_code: null,
          attempts: 3,
          reason: { kind: 'ImagePullFailed', image: 'nobody/nothing:1' },
        },
      },
    })
    expect(log.find(({ type }) => type === 'ContainerRunFailed')?.details).toMatchObject({
      ContainerRunFailed: { reason: { kind: 'ImagePullFailed' } },
    })
  })

  it('one that takes too long is gone, with the reason', async () => {
    const w = await open()
    await w.register({ BUILD: run('echo begun; sleep 3600', { resources: { timeout: '60s' } }) })
    const id = await w.run()
    await until(async () => (await containers()).some(({ State }) => State === 'running'))
    await t.clock.advance(61_000)
    await until(async () => {
      await t.clock.advance(1_000)
      return (await w.get(id)).status !== 'running'
    })
    expect((await w.get(id)).state_outputs.BUILD).toMatchObject({
      status: 'failed',
      reason: { kind: 'TimeoutExpired', timeout_secs: 60 },
    })
    expect(await containers()).toEqual([])
  })

  it('one that uses too much memory says so', async () => {
    const { run: record } = await ended({
      BUILD: run('head -c 200m /dev/zero > /dev/shm/x; exec tail /dev/zero', { resources: { memory: '32Mi' } }),
    })
    expect(record.state_outputs.BUILD).toMatchObject({ status: 'failed', reason: { kind: 'ResourceExhausted' } })
  })

  it.each([
    ['all_succeed', 'failed'],
    ['any_succeed', 'success'],
    ['best_effort', 'success'],
  ])('steps run at once; under %s one that fails makes the state %s', async (completion, status) => {
    // Each waits for the other: they would not end one after the other.
    const meet = (mine: string, theirs: string) => `touch ${mine}; while [ ! -e ${theirs} ]; do sleep 0.05; done`
    const { run: record, log } = await ended({
      BUILD: {
        kind: 'ParallelContainerRun',
        steps: [step('good', meet('a', 'b')), step('unit-tests', `${meet('b', 'a')}; echo oops >&2; exit 1`)],
        completion,
        transitions: [{ condition: 'on_success', target: 'SAY' }, { target: 'SAY' }],
      },
      SAY: { kind: 'System', command: "echo '{{BUILD.output.unit-tests.stderr}}'", transitions: [] },
    })
    expect(record.state_outputs).toMatchObject({
      BUILD: { status, completion, succeeded: 1, failed: 1, output: { good: { exit_code: 0 } } },
      SAY: { stdout: 'oops\n\n' },
    })
    expect(log.find(({ type }) => type === 'ParallelContainerRunAggregated')?.details).toMatchObject({
      ParallelContainerRunAggregated: { total_steps: 2, succeeded: 1, failed: 1, strategy: completion },
    })
  })

  it('another user looks at the files of the run and cannot change them', async () => {
    const { run: record } = await ended({
      BEFORE: { kind: 'System', command: 'echo there > file', transitions: [{ target: 'BUILD' }] },
      BUILD: run('id -u; cat file; touch mine || echo refused', { run_as_user: '65534:65534' }),
    })
    expect(record.state_outputs.BUILD.stdout).toBe('65534\nthere\nrefused\n')
  })

  it('cancelling ends its containers', async () => {
    const w = await open()
    await w.register({
      BUILD: {
        kind: 'ParallelContainerRun',
        steps: [step('a', 'sleep 3600'), step('b', 'sleep 3600')],
        transitions: [],
      },
    })
    const id = await w.run()
    await until(async () => (await containers()).filter(({ State }) => State === 'running').length === 2)
    await w.send('POST', w.runUrl(id, '/cancel'), {})
    await until(async () => {
      await t.clock.advance(2_000)
      return (await containers()).length === 0
    })
    expect((await w.get(id)).status).toBe('cancelled')
  })
})

it('a container is begun again after a pause that grows', () => {
  expect([1, 2, 40].map((attempt) => pauseOf(attempt, undefined))).toEqual([1, 2, 30])
  expect([1, 2, 3].map((attempt) => pauseOf(attempt, '5s'))).toEqual([5, 10, 20])
})
