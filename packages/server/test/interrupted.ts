import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { killable } from './killable.ts'

/** What became of executions whose server was killed again and again. */
export interface Interrupted {
  readonly executions: number
  readonly kills: number
  readonly completed: number
  /** That did not complete, with the reason. */
  readonly lost: readonly string[]
  /** With another number of last events than one. */
  readonly endedTwice: readonly string[]
  /** Commands that ran more than once, by execution. */
  readonly madeTwice: readonly string[]
  /** Commands of which the model was told that nobody knows what came of them. */
  readonly unknown: number
  /** Milliseconds from a server that listens to the first event that executions recorded after it. */
  readonly resumedMs: readonly number[]
}

const STEPS = 6
const script = {
  turns: [
    ...Array.from({ length: STEPS }, (_, step) => [
      { tool_calls: [{ name: 'run_command', arguments: { command: `echo ${step} >> log; sleep 0.2` } }] },
      { tool_calls: [{ name: 'write_file', arguments: { path: `note-${step}.txt`, content: 'x' } }] },
    ]).flat(),
    { text: 'Done.' },
  ],
}
const manifest = stringify({
  name: 'worker',
  language: 'javascript',
  version: '20',
  instruction: 'Work.',
  tools: ['run_command', 'write_file'],
})

interface Seen {
  readonly type: string
  /** Milliseconds. */
  readonly at: number
}

/**
 * Begin executions in the middle of which the server is killed, each time as soon as they have gone on for a while.
 * @param options.environment of the server; its data folder is made here
 */
export async function interrupt(options: {
  readonly kills: number
  readonly executions: number
  readonly environment?: Readonly<Record<string, string>>
}): Promise<Interrupted> {
  const { kills, executions: count, environment } = options
  const folder = mkdtempSync(join(tmpdir(), 'lictor-interrupted-'))
  writeFileSync(join(folder, 'script.yaml'), stringify(script))
  const server = killable({
    LICTOR_DATA_DIR: folder,
    LICTOR_SANDBOX: 'process',
    LICTOR_MODEL_SCRIPT: join(folder, 'script.yaml'),
    ...environment,
  })
  const resumedMs: number[] = []
  try {
    await server.start()
    await server.signIn()
    const agent = (await (await server.call('POST', '/v1/agents', manifest)).json()) as { id: string }
    const ids: string[] = []
    for (let n = 0; n < count; n++) {
      const begun = await server.call('POST', '/v1/executions', { agent_id: agent.id, input: `task ${n}` })
      ids.push(((await begun.json()) as { execution_id: string }).execution_id)
    }
    let last = 0
    /** Read the agent's events after the last one that was seen, until one fits. */
    const follow = async (stop: (event: Seen) => boolean): Promise<void> => {
      const response = await fetch(`${server.address}/v1/agents/${agent.id}/events`, {
        headers: { ...server.headers, 'last-event-id': String(last) },
      })
      let text = ''
      for await (const chunk of response.body ?? []) {
        text += Buffer.from(chunk as Uint8Array).toString()
        const frames = text.split('\n\n')
        text = frames.pop() ?? ''
        for (const frame of frames) {
          const id = Number(/^id: (\d+)$/m.exec(frame)?.[1])
          const type = /"event_type":"(\w+)"/.exec(frame)?.[1]
          if (!id || !type) continue
          last = id
          const at = Date.parse(/"timestamp":"([^"]+)"/.exec(frame)?.[1] ?? '')
          if (stop({ type, at })) return
        }
      }
    }
    const unfinished = async (): Promise<number> => {
      const states = await Promise.all(
        ['pending', 'running'].map(async (status) => {
          const answer = await server.call('GET', `/v1/executions?limit=1000&status=${status}`)
          return ((await answer.json()) as { count: number }).count
        }),
      )
      return states.reduce((sum, one) => sum + one, 0)
    }
    for (let kill = 0; kill < kills && (await unfinished()) > 0; kill++) {
      // Kill them in the middle of a step, wherever that is.
      let seen = 0
      const enough = 5 + ((kill * 7) % 30)
      await Promise.race([follow(({ type }) => type === 'command_execution_started' && ++seen >= enough), sleep(5_000)])
      await sleep((kill * 37) % 150)
      await server.kill()
      await server.start()
      const ready = Date.now()
      await server.signIn()
      // What the killed server recorded is read first: the first event of this one is that something goes on.
      let first = Number.NaN
      const resumed = follow(({ type, at }) => {
        if (type === 'execution_resumed') first = at
        return type === 'execution_resumed'
      })
      // Where all had ended before the kill there is none.
      await Promise.race([resumed, sleep(10_000)])
      if (!Number.isNaN(first)) resumedMs.push(Math.max(0, first - ready))
    }
    while ((await unfinished()) > 0) await sleep(200)

    const lost: string[] = []
    const endedTwice: string[] = []
    const madeTwice: string[] = []
    let unknown = 0
    for (const id of ids) {
      const answer = (await (await server.call('GET', `/v1/executions/${id}`)).json()) as Record<string, unknown>
      if (answer.status !== 'completed') lost.push(`${id}: ${answer.status} ${answer.error}`)
      const stream = await (await server.call('GET', `/v1/executions/${id}/stream`)).text()
      const types = [...stream.matchAll(/"event_type":"(\w+)"/g)].map(([, type]) => type ?? '')
      const ends = types.filter((type) => /^execution_(completed|failed|cancelled|timed_out)$/.test(type))
      if (ends.length !== 1 || types.at(-1) !== ends[0]) endedTwice.push(`${id}: ${ends.join(' ')}`)
      unknown += stream
        .split('\n')
        .filter((line) => line.includes('"tool_invocation_failed"') && line.includes('outcome is unknown')).length
      const log = join(folder, 'executions', id, 'workspace', 'log')
      const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []
      if (new Set(lines).size !== lines.length) madeTwice.push(`${id}: ${lines.join(' ')}`)
    }
    return {
      executions: count,
      kills: resumedMs.length,
      completed: ids.length - lost.length,
      lost,
      endedTwice,
      madeTwice,
      unknown,
      resumedMs,
    }
  } finally {
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}
