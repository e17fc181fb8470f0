import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, describe, expect, it } from 'vitest'
import { manualClock } from '../../test/manual-clock.ts'
import { createInProcessBus } from '../adapters/bus/in-process.ts'
import { createPinnedFetches } from '../adapters/outbound/fetch.ts'
import { readConfig } from '../config.ts'
import type { TokenCaller } from '../identity/caller.ts'
import { everyScope } from '../identity/tokens/scopes.ts'
import type { Shared } from '../shared.ts'
import type { GovernedCall } from './judging/execution-guard.ts'
import { createMask } from './masking/mask.ts'
import { createToolbox } from './toolbox.ts'
import { createInvocations, type InvocationContext } from './tools/invocations.ts'
import { contextOffers } from './tools/judge-by-context.ts'

const folder = mkdtempSync(join(tmpdir(), 'lictor-toolbox-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const operator: TokenCaller = {
  kind: 'token',
  subject: 'op',
  tenantId: 't1',
  identity: 'operator',
  role: 'aegis:admin',
  isOfFirstTenant: true,
  scopes: new Set(everyScope),
}

/** The tools of a server, behind nothing that they manage: what is asked of that is an error of another kind than a name that is none. */
function open(principal: TokenCaller, pattern = '*') {
  const nothing = () => {
    throw new Error('There is nothing behind it.')
  }
  const shared = {
    config: readConfig({ LICTOR_DATA_DIR: folder }),
    clock: manualClock(),
    random: { uuid: () => 'id', bytes: (length: number) => new Uint8Array(length) },
    logger: pino({ level: 'silent' }),
    database: { db: new Proxy({}, { get: nothing }) },
    bus: createInProcessBus(),
    fetches: createPinnedFetches({ resolve: async () => [], allowed: [] }),
    search: 'none',
    secretStore: {},
    openMcpProcesses: () => ({ start: nothing, reap: async () => 0 }),
  } as unknown as Shared
  const { catalogue } = createToolbox(shared, {
    node: 'n',
    isolatesNetwork: () => null,
    sandbox: () => 'process',
    agents: nothing,
    executions: nothing,
    workflows: nothing,
    runs: nothing,
    children: nothing,
    swarms: nothing,
    intents: nothing,
    findAttached: nothing,
    countExecutions: () => 0,
    volumes: nothing,
    files: nothing,
    repositories: nothing,
    scripts: new Proxy({}, { get: nothing }) as never,
    events: { record: async () => true },
  })
  const securityContext = { name: 'c', capabilities: [{ toolPattern: pattern }], denyList: [] }
  const invocations = createInvocations({
    slugOf: async () => 'acme',
    catalogue,
    clock: shared.clock,
    limiter: { hit: async () => ({ allowed: true }), peek: async () => ({ allowed: true }) },
    newId: () => 'id',
    count: () => {},
    maskOf: () => createMask([]),
    report: async () => {},
  })
  const context: InvocationContext = {
    caller: {
      tenantId: 't1',
      principal,
      executionId: null,
      agentId: null,
      offers: (tool) => contextOffers(securityContext, tool),
    },
    toolNames: null,
    securityContext,
    limitKey: 's',
    files: null,
    workspace: '/workspace',
    guard: {
      policy: null,
      refused: async () => {},
      begin: async ({ args }: { args: object }) =>
        ({
          envelope: { args },
          authorize: async () => {},
          cancel: async () => {},
          complete: ({ returned, threw }: { returned?: unknown; threw?: unknown }) => {
            if (threw) throw threw
            return returned
          },
        }) as unknown as GovernedCall,
    } as unknown as InvocationContext['guard'],
    signal: new AbortController().signal,
    waiting: (work) => work(),
    limit: null,
    judge: null,
    record: async () => {},
    violated: () => {},
  } as InvocationContext
  const call = (name: string, args: object = {}) => invocations.invoke(context, { callId: 'id', name, arguments: args })
  return { catalogue, call }
}

async function listed(call: ReturnType<typeof open>['call']): Promise<string[]> {
  const outcome = await call('aegis.tools.list', { limit: 200 })
  if (outcome.kind !== 'returned') throw new Error(outcome.told)
  const { tools, total } = outcome.result as { tools: { name: string }[]; total: number }
  expect(total).toBe(tools.length)
  return tools.map(({ name }) => name)
}

describe('the tools of a server', () => {
  it('are listed, every one, and every one that is listed can be called', async () => {
    const { catalogue, call } = open(operator)
    const names = await listed(call)
    expect([...names].sort()).toEqual(
      catalogue
        .list()
        .map(({ name }) => name)
        .sort(),
    )
    expect(names.length).toBeGreaterThan(35)
    for (const name of names) {
      // Whatever comes of it, it is found, and run where it takes no arguments.
      const outcome = await call(name).catch((error: Error) => ({ kind: 'threw' as const, told: error.message }))
      expect([name, outcome.kind === 'returned' ? '' : outcome.told]).not.toEqual([
        name,
        expect.stringMatching(/Routing error|is not available/),
      ])
    }
  })

  it('answer to their aliases as to their names, and each alias is one', () => {
    const { catalogue } = open(operator)
    for (const tool of catalogue.list())
      for (const alias of tool.aliases) expect([alias, catalogue.find(alias)]).toEqual([alias, tool])
  })

  it('for operators cannot be called by others, whatever their context allows; what a context does not offer is not told of', async () => {
    const { catalogue, call } = open({ ...operator, identity: 'tenant_user', role: 'user' })
    const forOperators = catalogue.list().filter(({ isForOperators }) => isForOperators)
    expect(forOperators.map(({ name }) => name).sort()).toEqual([
      'aegis.agent.delete',
      'aegis.system.config',
      'aegis.system.info',
      'aegis.task.remove',
      'aegis.workflow.delete',
      'aegis.workflow.remove',
    ])
    for (const { name } of forOperators)
      expect(await call(name, { agent_id: 'x', execution_id: 'x' })).not.toMatchObject({ kind: 'returned' })
    const narrow = open(operator, 'aegis.tools.*')
    expect(await listed(narrow.call)).toEqual(['aegis.tools.list', 'aegis.tools.search'])
  })

  it('say of themselves what their side effect is', () => {
    for (const tool of open(operator).catalogue.list()) {
      expect([tool.name, tool.tags.includes('read-only')]).toEqual([tool.name, tool.sideEffect === 'read'])
      if (tool.sideEffect === 'read') expect([tool.name, tool.isIdempotent]).toEqual([tool.name, true])
    }
  })

  it('of agents, workflows, tasks and swarms, the ones that judges look at are those that the list of tools says', () => {
    const judged = open(operator)
      .catalogue.list()
      .filter(({ isSubjectToJudges }) => isSubjectToJudges)
      .map(({ name }) => name)
    expect(judged.sort()).toEqual([
      'aegis.agent.generate',
      'aegis.broadcast_message',
      'aegis.execute.intent',
      'aegis.send_message',
      'aegis.spawn_child',
      'aegis.task.cancel',
      'aegis.task.execute',
      'aegis.task.remove',
      'aegis.workflow.delete',
      'aegis.workflow.demote',
      'aegis.workflow.generate',
      'aegis.workflow.promote',
      'aegis.workflow.run',
      'cmd.run',
      'fs.create_dir',
      'fs.delete',
      'fs.edit',
      'fs.multi_edit',
      'fs.write',
    ])
  })
})
