import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../test/harness.ts'
import { call, files, readStream, types, until, world } from '../../../test/runtime.ts'

for (const sandbox of ['process', 'bubblewrap'])
  describe(`executions in the sandbox '${sandbox}'`, () => {
    let t: TestServer
    afterEach(() => t.close())
    const open = world(async (environment) => {
      t = await startTestServer({ environment: { ...environment, LICTOR_SANDBOX: sandbox } })
      return t
    })
    const shell = { tools: ['run_command', ...files] }

    it('a crashed bootstrap fails the execution, with how it ended', async () => {
      const w = await open([call('run_command', { command: 'kill -9 $PPID' }), { text: 'never' }], shell)
      const { answer, events } = await w.run()
      expect(answer.status).toBe('failed')
      expect(answer.error).toMatch(/^Failed to execute task: Max retries exceeded \(The agent ended with exit code 137/)
      expect(types(events).filter((type) => type === 'iteration_failed')).toHaveLength(3)
      expect(types(events).at(-1)).toBe('execution_failed')
    })

    it('cancelling ends the sandbox and everything in it', async () => {
      const w = await open(
        [call('run_command', { command: 'while true; do date +%N > beat; sleep 0.02; done' }), { text: 'never' }],
        shell,
      )
      const id = await w.start()
      const beat = join(w.workspace(id), 'beat')
      await until(async () => existsSync(beat))
      await t.request({
        method: 'POST',
        url: `/v1/executions/${id}/cancel`,
        headers: w.headers,
        payload: { reason: 'enough' },
      })
      expect(await w.get(id)).toMatchObject({ status: 'cancelled', error: 'enough' })
      expect(types(await w.events(id)).at(-1)).toBe('execution_cancelled')
      await t.server.close()
      const last = readFileSync(beat, 'utf8')
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect(readFileSync(beat, 'utf8')).toBe(last)
    })

    it('the overall limit ends an execution whose model never answers', async () => {
      const w = await open([{ text: 'late', delay_ms: 3_600_000 }], {
        security: { resources: { timeout: '90s' } },
      })
      const id = await w.start()
      await readStream(
        w.address,
        `/v1/executions/${id}/stream`,
        w.headers,
        (event) => event.type === 'instance_spawned',
      )
      await t.clock.advance(91_000)
      const events = await w.events(id)
      expect(events.at(-1)).toMatchObject({ type: 'execution_timed_out', timeout_seconds: 90 })
      expect(await w.get(id)).toMatchObject({ status: 'failed', error: 'Execution timed out after 90 seconds' })
    })

    it('a validator that is satisfied at the third attempt makes three attempts in three instances', async () => {
      const w = await open(
        [
          { when: { prompt: '## Iteration 2:' }, text: 'exactly 42' },
          { when: { prompt: '## Iteration 1:' }, text: 'still wrong' },
          { text: 'wrong' },
        ],
        {
          execution: {
            mode: 'iterative',
            max_iterations: 5,
            validation: [{ type: 'regex', pattern: '^exactly \\d+$' }],
          },
        },
      )
      const { answer, events } = await w.run()
      expect(answer).toMatchObject({ status: 'completed', output: 'exactly 42', total_iterations: 3 })
      expect(types(events).filter((type) => type === 'iteration_started')).toHaveLength(3)
      expect(types(events).filter((type) => type === 'refinement_applied')).toHaveLength(2)
      expect(new Set(events.filter((one) => one.type === 'instance_spawned').map((one) => one.instance_id)).size).toBe(
        3,
      )
    })

    it('one-shot is one attempt, also when it is not accepted', async () => {
      const w = await open([{ text: 'wrong' }], {
        execution: { mode: 'one-shot', max_iterations: 10, validation: [{ type: 'regex', pattern: '^right$' }] },
      })
      const { answer, events } = await w.run()
      expect(answer).toMatchObject({ status: 'failed', total_iterations: 1 })
      expect(answer.error).toContain('Max retries exceeded')
      expect(types(events).filter((type) => type === 'iteration_started')).toHaveLength(1)
    })

    it('100 MB of tool output harm nobody: the model sees the end of it', async () => {
      const w = await open(
        [
          call('run_command', {
            command: 'head -c 100000000 /dev/zero | tr "\\0" x; echo; echo the end',
            max_output_bytes: 1000,
          }),
          { text: 'Done.' },
        ],
        shell,
      )
      const { answer, events } = await w.run()
      expect(answer.status).toBe('completed')
      const told = JSON.parse(w.told(events)[1] ?? '{}')
      expect(told.stdout.endsWith('the end\n')).toBe(true)
      expect(told.stdout.length).toBeLessThanOrEqual(1000)
      expect(told).toMatchObject({ exit_code: 0, truncated: true, notice: expect.stringContaining('truncated') })
    })

    it('no path of a tool leads out of the workspace, and each try leaves a violation', async () => {
      const escapes = [
        '../outside',
        'a/../../outside',
        '..%2foutside',
        'a\\..\\outside',
        '/workspace/../etc/passwd',
        '/etc/passwd',
        'link/passwd',
        'link',
      ]
      const w = await open(
        [
          call('run_command', { command: 'ln -s /etc link' }),
          { tool_calls: escapes.map((path) => ({ name: 'read_file', arguments: { path } })) },
          { tool_calls: escapes.map((path) => ({ name: 'write_file', arguments: { path, content: 'x' } })) },
          { text: 'Done.' },
        ],
        shell,
      )
      const { id, events, answer } = await w.run()
      expect(answer.status).toBe('completed')
      expect(events.filter((event) => event.type === 'tool_policy_violation')).toHaveLength(escapes.length * 2)
      expect(events.filter((event) => event.type === 'tool_invocation_completed')).toHaveLength(1)
      expect(readdirSync(join(w.workspace(id), '..'))).toEqual(['workspace'])
      for (const path of ['%2e%2e/x', 'link/passwd', 'a%5c..%5cx', '..%252fx']) {
        const file = await t.request({ method: 'GET', url: `/v1/executions/${id}/files/${path}`, headers: w.headers })
        expect([404, 422]).toContain(file.statusCode)
      }
    })

    it('all calls of an answer are answered in order, also around a command', async () => {
      const w = await open(
        [
          {
            tool_calls: [
              { name: 'write_file', arguments: { path: 'a.txt', content: 'first' } },
              { name: 'run_command', arguments: { command: 'cat', args: ['a.txt'] } },
              { name: 'read_file', arguments: { path: 'a.txt' } },
            ],
          },
          { text: 'Done.' },
        ],
        shell,
      )
      const { events } = await w.run()
      expect(
        events.filter((event) => event.type === 'tool_invocation_completed').map((event) => event.tool_name),
      ).toEqual(['write_file', 'run_command', 'read_file'])
    })

    it('a model that fails for good fails the execution with its reason', async () => {
      const w = await open([{ error: { class: 'authentication', message: 'wrong key' } }], {
        execution: { mode: 'one-shot' },
      })
      const { answer, events } = await w.run()
      expect(answer.error).toContain('upstream_authentication: wrong key')
      expect(events.find((event) => event.type === 'llm_call_failed')).toMatchObject({
        error_class: 'authentication',
        attempts: 1,
        provider: 'scripted',
      })
    })

    it('a python agent runs as well', async () => {
      const w = await open([call('run_command', { command: 'echo $GREETING' }), { text: 'Done.' }], {
        ...shell,
        runtime: { language: 'python', version: '3.12' },
        env: { GREETING: 'hello', DATABASE_URL: 'secret', AEGIS_ORCHESTRATOR_URL: 'http://elsewhere' },
      })
      const { answer, events } = await w.run()
      expect(answer).toMatchObject({ status: 'completed', output: 'Done.' })
      expect(JSON.parse(w.told(events)[1] ?? '{}').stdout).toBe('hello\n')
    })

    it('a manifest that demands no network runs only where that is enforced', async () => {
      const w = await open([{ text: 'Done.' }], { security: { network: { mode: 'none' } } })
      const { answer } = await w.run()
      if (sandbox === 'bubblewrap') expect(answer).toMatchObject({ status: 'completed' })
      else expect(answer.error).toContain("which the sandbox 'process' of this server cannot enforce")
    })

    it('a tool that the manifest does not list cannot be called', async () => {
      const w = await open([call('run_command', { command: 'touch made' }), { text: 'Done.' }], {
        tools: ['read_file'],
      })
      const { id, events } = await w.run()
      expect(readdirSync(w.workspace(id))).toEqual([])
      expect(w.told(events)[1]).toBe("Tool 'run_command' is not available. Do not retry this tool.")
    })
  })
