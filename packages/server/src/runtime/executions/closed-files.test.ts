import { existsSync, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../test/harness.ts'
import { call, world } from '../../../test/runtime.ts'

/** Files below a folder that this process holds open, where the system tells of them. */
const openBelow = (folder: string): string[] =>
  (existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd') : []).flatMap((descriptor) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${descriptor}`)
      return path.startsWith(folder) ? [path] : []
    } catch {
      return []
    }
  })

describe('files that a program closed', () => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await startTestServer({ environment: { ...environment, LICTOR_SANDBOX: 'process' } })
    return t
  })

  it('are read by the server, read and replaced by the next attempt, and deleted with the execution', async () => {
    const second = (turn: object) => ({ when: { prompt: 'Iteration 1' }, ...turn })
    const w = await open(
      [
        second(call('run_command', { command: 'cat shut/a && echo anew > shut/a && echo more > shut/c' })),
        second({ text: 'good' }),
        call('run_command', {
          command: 'umask 077; mkdir shut; echo secret > shut/a; echo x > b; chmod 0 shut/a b; chmod 500 shut',
        }),
        { text: 'bad' },
      ],
      {
        tools: ['run_command'],
        execution: { mode: 'iterative', max_iterations: 2, validation: [{ type: 'regex', pattern: '^good$' }] },
      },
    )
    const { id, answer, events } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', output: 'good', total_iterations: 2 })
    const told = w.told(events).find((text) => text.includes('"stdout"') && text.includes('secret'))
    expect(JSON.parse(told ?? '{}')).toMatchObject({ exit_code: 0, stdout: 'secret\n' })
    const root = w.workspace(id)
    const mode = (path: string) => lstatSync(join(root, path)).mode & 0o700
    expect(['shut', 'shut/a', 'b'].map(mode)).toEqual([0o700, 0o600, 0o600])
    for (const [path, content] of [
      ['shut/a', 'anew\n'],
      ['b', 'x\n'],
    ]) {
      const url = `/v1/executions/${id}/files/${path}`
      const file = await t.request({ method: 'GET', url, headers: w.headers })
      expect([file.statusCode, file.body]).toEqual([200, content])
    }
    // Of a file of which nothing is sent nothing stays open.
    const url = `/v1/executions/${id}/files/b`
    const beyond = await t.request({ method: 'GET', url, headers: { ...w.headers, range: 'bytes=10-' } })
    expect([beyond.statusCode, openBelow(root)]).toEqual([416, []])
    const gone = await t.request({ method: 'DELETE', url: `/v1/executions/${id}`, headers: w.headers })
    expect(gone.statusCode).toBe(200)
    expect(existsSync(dirname(root))).toBe(false)
  })
})
