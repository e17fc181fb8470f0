import { beforeEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../test/manual-clock.ts'
import { Conflict } from '../../errors.ts'
import type { TokenCaller } from '../../identity/caller.ts'
import type { RateVerdict } from '../../ports/rate-limiter.ts'
import type { Reported } from '../incidents/incidents.ts'
import type { ExecutionGuard, GovernedCall } from '../judging/execution-guard.ts'
import { nothing } from '../masking/mask.ts'
import type { EventDraft } from '../record/events.ts'
import { createCatalogue } from './catalogue.ts'
import { createInvocations, type InvocationContext, type Invocations } from './invocations.ts'
import { builtin, type Tool, ToolFatal } from './tool.ts'

const text = { type: 'string' }
const tool = (name: string, rest: Partial<Tool> = {}): Tool => ({
  ...builtin,
  name,
  description: name,
  category: 'task_management',
  sideEffect: 'write',
  isIdempotent: false,
  isSubjectToJudges: true,
  arguments: { subject: { is: 'content', schema: text }, note: { is: 'content', schema: text, isOptional: true } },
  run: async ({ args }) => ({ did: name, args }),
  ...rest,
})
const user: TokenCaller = {
  kind: 'token',
  subject: 'u',
  tenantId: 't1',
  identity: 'tenant_user',
  role: 'user',
  scopes: new Set(['agent:read']),
}

describe('the order of a tool call', () => {
  /** Which steps were taken, in order. */
  let steps: string[]
  let events: EventDraft[]
  let incidents: Reported[]
  let violations: string[]
  let refusals: { toolName: string; source: string; name: string }[]
  let verdicts: { judge: boolean; limit: RateVerdict }
  let invocations: Invocations
  let context: InvocationContext

  const tools = [
    tool('aegis.thing.do', { aliases: ['do_thing'] }),
    tool('aegis.thing.read', { requires: 'agent:delete' }),
    tool('quiet', { isSubjectToJudges: false }),
    tool('conflicting', {
      run: async () => {
        throw new Conflict('It runs.')
      },
    }),
    tool('unconfigured', {
      run: async () => {
        throw new ToolFatal('unconfigured', 'No key is configured.')
      },
    }),
    tool('foreign', { foreignSchema: { type: 'object', required: ['a'] }, server: 'things', source: 'mcp_server' }),
    tool('force', {
      arguments: { force: { is: 'setting', schema: { type: 'boolean' }, isOptional: true } },
      run: async ({ args }) => args,
    }),
    tool('command', { run: null, arguments: { command: { is: 'command', schema: text } } }),
  ]

  beforeEach(() => {
    steps = []
    events = []
    incidents = []
    violations = []
    refusals = []
    verdicts = { judge: true, limit: { allowed: true } }
    const governed = (args: object) =>
      ({
        envelope: { args },
        authorize: async () => void steps.push('contracts'),
        complete: ({ returned, threw }: { returned?: unknown; threw?: unknown }) => {
          steps.push('result')
          if (threw) throw threw
          return returned
        },
      }) as unknown as GovernedCall
    const guard: ExecutionGuard = {
      policy: null,
      begin: async ({ args }) => governed(args),
      refused: async ({ toolName }, { source, name }) => void refusals.push({ toolName, source, name }),
      lost: async () => {},
    }
    invocations = createInvocations({
      maskOf: () => nothing,
      slugOf: async () => 'acme',
      catalogue: createCatalogue(tools),
      clock: manualClock(),
      limiter: { hit: async () => ({ allowed: true }), peek: async () => ({ allowed: true }) },
      newId: () => 'id',
      count: () => {},
      report: async (incident) => void incidents.push(incident),
    })
    context = {
      caller: { tenantId: 't1', principal: user, executionId: 'e1', agentId: 'a1', offers: () => true },
      toolNames: tools.flatMap(({ name, aliases }) => [name, ...aliases]),
      securityContext: { name: 'c', capabilities: [{ toolPattern: '*' }], denyList: [] },
      limitKey: 'e1',
      files: null,
      workspace: '/workspace',
      guard,
      signal: new AbortController().signal,
      waiting: (work) => work(),
      limit: async () => {
        steps.push('limit')
        return verdicts.limit
      },
      judge: async () => {
        steps.push('judge')
        return verdicts.judge ? { accepted: true } : { accepted: false, reason: 'It is rude.' }
      },
      record: async (drafts) => void events.push(...drafts),
      violated: (name) => violations.push(name),
    }
  })

  const types = () => events.map(({ type }) => type)
  async function told(name: string, args: unknown, within = context): Promise<string> {
    const invoked = await invocations.begin(within, { id: 'c', name, arguments: args }, 0)
    if (invoked.kind !== 'answered') throw new Error('It was dispatched.')
    return invoked.content
  }
  /** A session: no manifest names its tools. */
  const session = (over: Partial<InvocationContext> = {}): InvocationContext => ({
    ...context,
    toolNames: null,
    ...over,
  })
  const outcome = (name: string, args: unknown, within = session()) =>
    invocations.invoke(within, { callId: 'id', name, arguments: args })

  it('limits, judges, contracts, then the tool', async () => {
    expect(await told('aegis.thing.do', { subject: 'x' })).toBe('{"did":"aegis.thing.do","args":{"subject":"x"}}')
    expect(steps).toEqual(['limit', 'judge', 'contracts', 'result'])
    expect(types()).toEqual(['tool_invocation_requested', 'tool_invocation_completed'])
  })

  it('an alias is the tool it stands for', async () => {
    expect(await told('do_thing', { subject: 'x' })).toContain('"did":"aegis.thing.do"')
  })

  it.each([
    [{}, "required field 'subject' is missing or null for tool 'aegis.thing.do'"],
    [{ subject: null }, "required field 'subject' is missing or null for tool 'aegis.thing.do'"],
    [{ subject: 1 }, "Bad arguments for 'aegis.thing.do': subject must be string"],
    [{ subject: 'x', more: 1 }, "Bad arguments for 'aegis.thing.do': 'more' is no argument of this tool"],
    ['{"subject": "x"', "The arguments of 'aegis.thing.do' must be a JSON object."],
    [[1], "The arguments of 'aegis.thing.do' must be a JSON object."],
    [null, "The arguments of 'aegis.thing.do' must be a JSON object."],
  ])('arguments %j: %s', async (args, message) => {
    expect(await told('aegis.thing.do', args)).toBe(`Tool execution error: ${message}`)
    expect(steps).toEqual([])
    expect(types()).toEqual(['tool_invocation_requested', 'tool_invocation_failed'])
    expect(incidents).toEqual([])
    expect(await outcome('aegis.thing.do', args)).toMatchObject({ failure: { kind: 'failed', status: 422 } })
  })

  it('optional arguments may be null', async () => {
    expect(await told('aegis.thing.do', { subject: 'x', note: null })).toContain('"args":{"subject":"x"}')
  })

  it('a tool that the manifest does not name is refused though the context allows it: one violation, one incident', async () => {
    const narrow = { ...context, toolNames: ['quiet'] }
    expect(await told('aegis.thing.do', { subject: 'x' }, narrow)).toBe(
      "Tool 'aegis.thing.do' is not available. Do not retry this tool.",
    )
    expect(types()).toEqual(['tool_invocation_requested', 'tool_policy_violation', 'tool_invocation_failed'])
    expect(events[2]?.fields.error).toMatchObject({ code: -32_000 })
    expect(violations).toEqual(['aegis.thing.do'])
    expect(incidents).toEqual([
      expect.objectContaining({ tenantId: 't1', executionId: 'e1', violation: 'ToolNotAllowed' }),
    ])
    expect(refusals).toEqual([{ toolName: 'aegis.thing.do', source: 'security_context', name: 'ToolNotAllowed' }])
  })

  it('an unknown name is refused in an execution, and not routed in a session', async () => {
    expect(await told('no.such', {})).toContain('is not available')
    expect(await outcome('no.such', {})).toMatchObject({
      kind: 'failed',
      failure: { kind: 'failed', status: 404 },
      told: "Tool execution error: Routing error: there is no tool 'no.such' on this server.",
    })
  })

  it('a session is told of arguments only where its context could allow the tool', async () => {
    const closed = session({ securityContext: { name: 'c', capabilities: [], denyList: [] } })
    expect(await outcome('aegis.thing.do', {}, closed)).toMatchObject({
      failure: { kind: 'violation', violation: { kind: 'ToolNotAllowed' } },
    })
    const denied = session({ securityContext: { ...context.securityContext, denyList: ['aegis.thing.do'] } })
    expect(await outcome('aegis.thing.do', {}, denied)).toMatchObject({
      failure: { violation: { kind: 'ToolExplicitlyDenied' } },
    })
  })

  it("a foreign tenant among the arguments is refused, the caller's own is taken, and both words for it", async () => {
    for (const args of [{ tenant_id: 't2' }, { tenant: 't2' }, { tenant_id: 't1', tenant: 't2' }])
      expect(await outcome('aegis.thing.do', { subject: 'x', ...args })).toMatchObject({
        failure: { violation: { kind: 'TenantMismatch' } },
      })
    expect(incidents).toHaveLength(3)
    for (const own of [{ tenant_id: 't1' }, { tenant_id: 'acme' }, { tenant: 'acme', tenant_id: 't1' }])
      expect(await told('aegis.thing.do', { subject: 'x', ...own })).toContain('"args":{"subject":"x"}')
    for (const tenant_id of [7, '', 'No Tenant', ['t1'], {}])
      expect(await outcome('aegis.thing.do', { subject: 'x', tenant_id })).toMatchObject({
        failure: { kind: 'failed', status: 422 },
        told: expect.stringContaining("'tenant_id' must be the id or the short name of a tenant"),
      })
    const service = { ...context.caller, principal: { ...user, identity: 'service_account' as const } }
    expect(
      await outcome('aegis.thing.do', { subject: 'x', tenant_id: 't2' }, session({ caller: service })),
    ).toMatchObject({ failure: { kind: 'failed', status: 403 } })
    // Other tools have a tenant argument of their own, or none.
    expect(await told('quiet', { subject: 'x', tenant_id: 't2' })).toContain("'tenant_id' is no argument of this tool")
  })

  it('a token that lacks the scope of the HTTP route lacks the tool', async () => {
    expect(await outcome('aegis.thing.read', { subject: 'x' })).toMatchObject({
      failure: { violation: { details: expect.stringContaining("'agent:delete'") } },
    })
  })

  it('a limit says when it opens again, and the judges are not asked', async () => {
    verdicts.limit = { allowed: false, retryAfter: 7 }
    expect(await outcome('aegis.thing.do', { subject: 'x' })).toMatchObject({
      failure: { kind: 'violation', violation: { kind: 'RateLimitExceeded' }, retryAfter: 7 },
    })
    expect(steps).toEqual(['limit'])
  })

  it('a judge that refuses keeps the call from being made, and its reason is told', async () => {
    verdicts.judge = false
    expect(await told('aegis.thing.do', { subject: 'x' })).toContain('It is rude.')
    expect(steps).toEqual(['limit', 'judge'])
    expect(refusals[0]?.source).toBe('tool_judge')
    steps.length = 0
    await told('quiet', { subject: 'x' })
    expect(steps).toEqual(['limit', 'contracts', 'result'])
  })

  it('contexts of the consumer tiers neither force nor choose versions', async () => {
    expect(await told('force', { force: true })).toBe('{"force":true}')
    const zaru = { ...context, securityContext: { ...context.securityContext, name: 'zaru-pro' } }
    expect(await told('force', { force: true, version: '2' }, zaru)).toBe('{}')
  })

  it('there are no edge nodes', async () => {
    expect(await told('aegis.thing.do', { subject: 'x', target: { edge_node_id: 'n1' } })).toContain('no edge nodes')
    expect(steps).toEqual(['limit', 'judge'])
  })

  it('what a tool refuses by rule is told in the words of the rule, with its status', async () => {
    expect(await outcome('conflicting', { subject: 'x' })).toMatchObject({
      failure: { kind: 'failed', status: 409 },
      told: 'Tool execution error: It runs.',
    })
  })

  it('a tool that nothing but a setting can mend ends the conversation', async () => {
    const message = "Tool 'unconfigured' terminated with fatal error: No key is configured."
    const asked = { id: 'c', name: 'unconfigured', arguments: { subject: 'x' } }
    expect(await invocations.begin(context, asked, 0)).toMatchObject({
      kind: 'fatal',
      error: { name: 'ToolFatal', message },
      step: { tool: 'unconfigured', argumentsJson: '{"subject":"x"}', status: 'fatal', error: message },
    })
  })

  it('a tool with a schema of its own gets its arguments as they came, and names its server', async () => {
    expect(await told('foreign', { a: 1, tenant_id: 't2', target: null })).toContain(
      '"args":{"a":1,"tenant_id":"t2","target":null}',
    )
    expect(types()).toContain('tool_invocation_started')
    expect(await told('foreign', { a: null })).toContain("required field 'a' is missing or null")
  })

  it('a command in a session is answered as what the workload has to run', async () => {
    expect(await outcome('command', { command: 'ls' })).toMatchObject({
      kind: 'returned',
      result: { status: 'dispatch_required', action: 'exec', dispatch: { command: 'ls' } },
    })
    expect(await told('command', { command: ' ' })).toContain("required field 'command' is missing or null")
    expect(types()).not.toContain('command_execution_started')
  })

  it('two tools of one name are a mistake of whoever wrote them', () => {
    expect(() => createCatalogue([tool('a'), tool('b', { aliases: ['a'] })])).toThrow("Two tools are called 'a'.")
  })
})
