import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { environmentOf } from './environment.ts'

const attempt = {
  agentId: 'agent',
  executionId: 'execution',
  modelAlias: 'default',
  orchestratorUrl: 'http://127.0.0.1:1/x/token',
  instruction: 'Work.',
  promptTemplate: '',
  timeoutSeconds: 300,
  iteration: 1,
  history: [],
  isDebugging: false,
  identity: {},
}

it("what the server says wins over the manifest, and the server's own names never come through", () => {
  const { env, refused } = environmentOf(
    {
      GREETING: 'hello',
      AEGIS_ORCHESTRATOR_URL: 'http://elsewhere',
      DATABASE_URL: 'secret',
      redis_url: 'secret',
      Path: '/evil',
      NODE_OPTIONS: '--require /evil',
      LD_PRELOAD: '/evil',
      'NOT A NAME': 'x',
    },
    attempt,
  )
  expect(env).toEqual({
    GREETING: 'hello',
    AEGIS_AGENT_ID: 'agent',
    AEGIS_EXECUTION_ID: 'execution',
    AEGIS_MODEL_ALIAS: 'default',
    AEGIS_ORCHESTRATOR_URL: 'http://127.0.0.1:1/x/token',
    AEGIS_AGENT_INSTRUCTION: 'Work.',
    AEGIS_PROMPT_TEMPLATE: '',
    AEGIS_LLM_TIMEOUT_SECONDS: '300',
    AEGIS_ITERATION: '1',
  })
  expect(refused).toHaveLength(7)
})

it('a long history fits a variable, with every entry', () => {
  const history = Array.from({ length: 20 }, (_one, index) => ({ iteration: index + 1, output: 'x'.repeat(100_000) }))
  const { env } = environmentOf({}, { ...attempt, iteration: 21, history })
  const text = env.AEGIS_ITERATION_HISTORY ?? ''
  expect(text.length).toBeLessThanOrEqual(100_000)
  expect(JSON.parse(text)).toHaveLength(20)
})

it('whatever a manifest holds, a process can be started with it', async () => {
  const odd = 'a\0b\ud800c'
  const long = '漢'.repeat(200_000)
  const many = Object.fromEntries(Array.from({ length: 100 }, (_one, index) => [`LONG_${index}`, long]))
  const history = Array.from({ length: 20 }, (_one, index) => ({ iteration: index + 1, output: long + odd }))
  const { env, refused } = environmentOf(
    { SMALL: odd.slice(3), ...many, ['N'.repeat(200_000)]: 'x' },
    { ...attempt, modelAlias: odd, instruction: long, promptTemplate: odd, iteration: 21, history },
  )
  expect(env).toMatchObject({ AEGIS_MODEL_ALIAS: 'a␀b\ufffdc', AEGIS_PROMPT_TEMPLATE: 'a␀b\ufffdc', SMALL: '\ufffdc' })
  expect(env.AEGIS_AGENT_INSTRUCTION).toBe('漢'.repeat(33_333))
  expect(refused).toHaveLength(92)
  const { stdout } = await promisify(execFile)(process.execPath, ['-p', 'process.env.AEGIS_AGENT_INSTRUCTION.length'], {
    env,
  })
  expect(stdout.trim()).toBe('33333')
})
