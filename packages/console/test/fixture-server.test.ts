import { expect, test } from 'vitest'
import { createAnswerCheck } from './answer-check.ts'
import { emptyWorld, seed } from './fixture-data.ts'
import { startFixture, type World } from './fixture-server.ts'

const READS = [
  '/health',
  '/auth/me',
  '/stats/overview',
  '/keys',
  '/bundles',
  '/bundles/devops-agent',
  '/deployments',
  '/approvals?status=pending',
  '/approvals?status=denied',
  '/approvals/a1',
  '/approvals/unknown',
  '/agents/status',
  '/agents/fleet-coverage',
  '/agent-registrations',
  '/assignment-rules',
  '/events?limit=50',
  '/events?after_seq=0&limit=50',
  '/events/histogram?bucket_seconds=1800',
  '/events/facets',
]
const WRITES: readonly [string, string, unknown][] = [
  ['POST', '/auth/login', { email: 'ops@example.com', password: 'wrong' }],
  ['POST', '/auth/login', { email: 'ops@example.com', password: 'correct horse battery' }],
  ['POST', '/keys', { env: 'staging', label: 'ci' }],
  ['DELETE', '/keys/k2', undefined],
  ['POST', '/bundles', { yaml_content: 'metadata:\n  name: other\n' }],
  ['POST', '/bundles', { yaml_content: 'effect: explode' }],
  ['POST', '/bundles/devops-agent/3/deploy', { env: 'production' }],
  ['POST', '/bundles/devops-agent/3/replay?env=production', undefined],
  ['PUT', '/approvals/a1', { approved: true, reason: null }],
  ['PUT', '/approvals/a1', { approved: false, reason: null }],
  ['POST', '/auth/logout', undefined],
  ['POST', '/setup', { email: 'a@example.com', password: 'correct horse battery', tenant_name: null }],
]

async function ask(world: World, calls: readonly (readonly [string, string, unknown])[]): Promise<readonly string[]> {
  const fixture = await startFixture('/nowhere', world)
  try {
    for (const [method, path, body] of calls)
      await fetch(`${fixture.url}/api/v1${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    return fixture.unlike
  } finally {
    await fixture.close()
  }
}

test('every answer of the fixture is one that the server could give, by its OpenAPI document', async () => {
  const reads = READS.map((path) => ['GET', path, undefined] as const)
  expect(await ask(seed(), [...reads, ...WRITES])).toEqual([])
  expect(
    await ask(emptyWorld(), [
      ['GET', '/health', undefined],
      ['GET', '/keys', undefined],
    ]),
  ).toEqual([])
})

test('an answer with a field missing, of another type, or of a route that is none, is found', async () => {
  const check = createAnswerCheck()
  const { approvals } = seed()
  expect(check('GET', '/api/v1/approvals', 200, approvals)).toBeNull()
  const { message: _message, ...incomplete } = approvals[0]!
  expect(check('GET', '/api/v1/approvals', 200, [incomplete])).toContain('message')
  expect(check('GET', '/api/v1/approvals', 200, [{ ...approvals[0], timeout_seconds: '5' }])).toContain(
    'timeout_seconds',
  )
  expect(check('GET', '/api/v1/approvals', 418, {})).toContain('does not answer 418')
  expect(check('GET', '/api/v1/nothing', 200, {})).toContain('is no route')
  const world = seed()
  world.keys = [{ ...world.keys[0]!, created_at: undefined as unknown as string }]
  expect(await ask(world, [['GET', '/keys', undefined]])).toHaveLength(1)
})
