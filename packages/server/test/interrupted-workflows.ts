import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { killable } from './killable.ts'

/** What became of runs of workflows whose server was killed again and again. */
export interface InterruptedRuns {
  readonly runs: number
  readonly kills: number
  readonly completed: number
  /** That did not complete, with what they are. */
  readonly lost: readonly string[]
  /** Of which a state was left another number of times than once, with the states that were left. */
  readonly leftTwice: readonly string[]
  /** Milliseconds from a server that listens to the first run that went on after it. */
  readonly resumedMs: readonly number[]
}

const STATES = ['A', 'B', 'C']
const AT_ONCE = 16
const LOOK_MS = 25

interface Listed {
  readonly executions: readonly { readonly id: string; readonly status: string; readonly updated_at?: string }[]
}

/**
 * Begin runs of three commands each, and kill the server in the middle of them, each time when about as many have ended.
 * @param options.environment of the server; its data folder is made here
 */
export async function interruptWorkflows(options: {
  readonly kills: number
  readonly runs: number
  readonly environment?: Readonly<Record<string, string>>
}): Promise<InterruptedRuns> {
  const { kills, runs, environment } = options
  const folder = mkdtempSync(join(tmpdir(), 'lictor-interrupted-'))
  const server = killable({ LICTOR_DATA_DIR: folder, LICTOR_SANDBOX: 'process', ...environment })
  async function call<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await server.call(method, path, body)
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as T
  }
  const running = async () => {
    let count = 0
    for (let offset = 0; ; offset += 100) {
      const { executions } = await call<Listed>(
        'GET',
        `/v1/workflows/executions?status=running&limit=100&offset=${offset}`,
      )
      count += executions.length
      if (executions.length < 100) return count
    }
  }
  const exitsOf = async (id: string) =>
    (
      await call<{ events: readonly { type: string; state_name?: string }[] }>(
        'GET',
        `/v1/workflows/executions/${id}/logs?limit=1000`,
      )
    ).events.flatMap(({ type, state_name = '' }) => (type === 'WorkflowStateExited' ? [state_name] : []))

  const resumedMs: number[] = []
  try {
    await server.start()
    await server.signIn()
    const states = Object.fromEntries(
      STATES.map((name, index) => [
        name,
        {
          kind: 'System',
          command: 'true',
          transitions: index + 1 < STATES.length ? [{ target: STATES[index + 1] }] : [],
        },
      ]),
    )
    await call('POST', '/v1/workflows', { name: 'flow', definition: { initial_state: STATES[0], states } })
    const ids: string[] = []
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (ids.length < runs) {
          const place = ids.push('') - 1
          ids[place] = (await call<{ execution_id: string }>('POST', '/v1/workflows/flow/run', {})).execution_id
        }
      }),
    )
    let killed = 0
    for (let kill = 0; kill < kills; kill++) {
      const left = Math.floor((runs * (kills - kill)) / (kills + 1))
      while ((await running()) > left) await sleep(LOOK_MS)
      await sleep((kill * 37) % 150)
      await server.kill()
      killed++
      await server.start()
      const ready = Date.now()
      await server.signIn()
      const before = await running()
      if (before === 0) continue
      while ((await running()) === before) await sleep(LOOK_MS)
      resumedMs.push(Date.now() - ready)
    }
    while ((await running()) > 0) await sleep(4 * LOOK_MS)
    const lost: string[] = []
    const leftTwice: string[] = []
    for (const id of ids) {
      const { status } = await call<{ status: string }>('GET', `/v1/workflows/executions/${id}`)
      if (status !== 'completed') lost.push(`${id}: ${status}`)
      const exits = await exitsOf(id)
      if (exits.join() !== STATES.join()) leftTwice.push(`${id}: ${exits.join()}`)
    }
    return { runs, kills: killed, completed: runs - lost.length, lost, leftTwice, resumedMs }
  } finally {
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}
