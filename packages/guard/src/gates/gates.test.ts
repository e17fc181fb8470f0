import { describe, expect, test } from 'vitest'
import type { AuditEvent } from '../audit/event.ts'
import { EdictumConfigError, EdictumDenied } from '../errors.ts'
import { MemoryBackend, type StorageBackend } from '../storage.ts'
import { approve, deny, guardFrom, ScriptedApprovals } from '../testing/guards.ts'
import { workflowGates } from './index.ts'

const TRAIN = `
apiVersion: edictum/v1
kind: Workflow
metadata: {name: train, version: "3"}
stages:
  - id: read
    tools: [Read]
    exit: [{condition: 'file_read("CHECKLIST.md")', message: Read the checklist first}]
  - id: sign
    approval: {message: The release manager must agree}
  - id: ship
    tools: [Bash]
    checks: [{command_not_matches: "--force", message: Never by force}]
    exit: [{condition: 'command_matches("^make release$")'}]
`

/** Storage elsewhere: every answer takes a turn. */
const remote = (): StorageBackend => remoteOf(new MemoryBackend())

function remoteOf(memory: MemoryBackend): StorageBackend {
  const later = async <T>(value: () => T): Promise<T> => {
    await new Promise<void>((resolve) => setImmediate(resolve))
    return value()
  }
  return {
    get: (key) => later(() => memory.get(key)),
    set: (key, value) => later(() => memory.set(key, value)),
    delete: (key) => later(() => memory.delete(key)),
    increment: (key, amount) => later(() => memory.increment(key, amount)),
  }
}

function counted() {
  const tool = () => {
    tool.times++
    return 'done'
  }
  tool.times = 0
  return tool
}

function train(more: Parameters<typeof guardFrom>[1] = {}, contracts: readonly string[] = []) {
  const made = guardFrom(contracts, { gates: workflowGates(TRAIN), ...more })
  const read = (file_path: string) => made.guard.run('Read', { file_path }, () => 'text')
  const bash = (command: string, tool: () => unknown = () => 'done') => made.guard.run('Bash', { command }, tool)
  return { ...made, read, bash }
}

const told = (events: readonly AuditEvent[]) => events.map(({ action, workflow }) => [action, workflow?.active_stage])

describe.each([
  ['in memory', () => new MemoryBackend()],
  ['in storage elsewhere', remote],
])('a session at gates, kept %s', (_where, storage) => {
  test('goes from stage to stage by what was done, and its last stage ends it', async () => {
    const approvals = new ScriptedApprovals({ approved: true })
    const { guard, read, bash, sink } = train({ backend: storage(), approvalBackend: approvals })
    const early = counted()
    await expect(bash('make release', early)).rejects.toThrow('Read the checklist first')
    expect(early.times).toBe(0)
    await read('CHECKLIST.md')
    await bash('make release')
    expect(
      approvals.asked.map(({ message, options }) => [message, options.contractName, options.decisionSource]),
    ).toEqual([['The release manager must agree', 'sign', 'workflow']])
    expect(await guard.workflowStatus()).toMatchObject({ active_stage: '', completed_stages: ['read', 'sign', 'ship'] })
    expect(told(sink.events)).toEqual([
      ['call_denied', 'read'],
      ['call_allowed', 'read'],
      ['call_executed', 'read'],
      ['workflow_stage_advanced', 'sign'],
      ['call_approval_requested', 'sign'],
      ['call_approval_granted', 'sign'],
      ['workflow_stage_advanced', 'ship'],
      ['call_allowed', 'ship'],
      ['call_executed', ''],
      ['workflow_completed', ''],
    ])
  })

  test('its events tell what is waited for, what was blocked and what was recorded', async () => {
    const { read, bash, sink } = train({
      backend: storage(),
      approvalBackend: new ScriptedApprovals({ approved: true }),
    })
    await bash('rm --token=abc123secret', counted()).catch(() => {})
    await read('CHECKLIST.md')
    await bash('ls')
    const of = (action: string) =>
      sink.events.filter((event) => event.action === action).map(({ workflow }) => workflow)
    const pending = { required: true, stage_id: 'sign', message: 'The release manager must agree' }
    expect(of('call_denied')).toMatchObject([
      {
        name: 'train',
        version: '3',
        blocked_reason: 'Read the checklist first',
        pending_approval: { required: false },
        last_blocked_action: { tool: 'Bash', message: 'Read the checklist first' },
      },
    ])
    expect(JSON.stringify(of('call_denied'))).not.toContain('abc123secret')
    expect(of('workflow_stage_advanced')).toMatchObject([
      { stage_id: 'read', to_stage_id: 'sign', pending_approval: pending },
      { stage_id: 'sign', to_stage_id: 'ship', pending_approval: { required: false } },
    ])
    expect(of('call_approval_requested')).toMatchObject([{ pending_approval: pending }])
    expect(of('call_approval_granted')).toMatchObject([{ pending_approval: pending }])
    expect(of('call_executed')).toMatchObject([
      { last_recorded_evidence: { tool: 'Read', summary: 'CHECKLIST.md' } },
      { last_recorded_evidence: { tool: 'Bash', summary: 'ls' }, blocked_reason: null },
    ])
    const last = sink.events.at(-1)?.toJSON()
    expect(last).toMatchObject({
      session_id: last?.run_id,
      parent_session_id: null,
      workflow: { active_stage: 'ship' },
    })
  })

  test('a person who says no leaves it where it is, and the call does not run', async () => {
    const { guard, read, bash } = train({
      backend: storage(),
      approvalBackend: new ScriptedApprovals({ approved: false, reason: 'Not today' }),
    })
    await read('CHECKLIST.md')
    const tool = counted()
    await expect(bash('make release', tool)).rejects.toThrow('Not today')
    expect(tool.times).toBe(0)
    expect(await guard.workflowStatus()).toMatchObject({ active_stage: 'sign', completed_stages: ['read'] })
  })

  test('an operator takes it back, or moves it on, and that is an event', async () => {
    const { guard, read, sink } = train({ backend: storage() })
    await read('CHECKLIST.md')
    expect(await guard.setWorkflowStage('ship')).toMatchObject({
      active_stage: 'ship',
      completed_stages: ['read', 'sign'],
    })
    await guard.run('Bash', { command: 'ls' }, () => 'x')
    expect(await guard.resetWorkflow('read')).toMatchObject({ active_stage: 'read', completed_stages: [] })
    await expect(guard.run('Bash', { command: 'ls' }, () => 'x')).rejects.toThrow('Read the checklist first')
    expect(told(sink.events.filter(({ action }) => action === 'workflow_state_updated'))).toEqual([
      ['workflow_state_updated', 'ship'],
      ['workflow_state_updated', 'read'],
    ])
    await expect(guard.resetWorkflow('nowhere')).rejects.toThrow(EdictumConfigError)
  })

  test('calls side by side lose none of what each has done', async () => {
    const { guard } = train({ backend: storage() })
    const names = Array.from({ length: 20 }, (_, index) => `file-${index}`)
    await Promise.all([...names, 'CHECKLIST.md'].map((path) => guard.run('Read', { file_path: path }, () => 'x')))
    await guard.setWorkflowStage('read')
    await expect(guard.run('Bash', { command: 'ls' }, () => 'x')).rejects.toThrow('Approval required')
  })

  test('each session stands where it stands', async () => {
    const { guard, read } = train({ backend: storage(), approvalBackend: new ScriptedApprovals({ approved: true }) })
    await read('CHECKLIST.md')
    await guard.run('Bash', { command: 'ls' }, () => 'x')
    expect(await guard.workflowStatus()).toMatchObject({ active_stage: 'ship' })
    expect(await guard.workflowStatus({ sessionId: 'another' })).toMatchObject({ active_stage: 'read' })
  })
})

test('two processes that share a session lose none of what each has done', async () => {
  const memory = new MemoryBackend()
  const processOf = (): StorageBackend => ({
    ...remoteOf(memory),
    replace: async (key, value, expected) => {
      await new Promise<void>((resolve) => setImmediate(resolve))
      if (memory.get(key) !== expected) return false
      memory.set(key, value)
      return true
    },
  })
  const guards = [processOf(), processOf()].map((backend) => train({ backend }).guard)
  const paths = Array.from({ length: 10 }, (_, index) => `file-${index}`)
  await Promise.all(
    guards.flatMap((guard, which) =>
      paths.map((path) => guard.run('Read', { file_path: `${which}-${path}` }, () => 'x', { sessionId: 'shared' })),
    ),
  )
  const state = JSON.parse(memory.get('s:shared:workflow:train:state') ?? '')
  expect(state.evidence.reads.toSorted()).toEqual([
    ...paths.map((path) => `0-${path}`),
    ...paths.map((path) => `1-${path}`),
  ])
})

describe('gates and contracts', () => {
  test('a contract that denies comes first, and leaves the gates alone', async () => {
    const { guard, sink } = train({}, [deny('no-env', 'Read', '.env')])
    await expect(guard.run('Read', { path: '.env', file_path: 'x' }, () => 'x')).rejects.toThrow('no-env')
    expect(sink.events.map(({ workflow }) => workflow)).toEqual([null])
  })

  test('nobody is asked for a call that the gates deny', async () => {
    const approvals = new ScriptedApprovals({ approved: true })
    const { guard } = train({ approvalBackend: approvals }, [approve('ask', 'Mail')])
    await expect(guard.run('Mail', { path: 'x' }, () => 'sent')).rejects.toThrow('Read the checklist first')
    expect(approvals.asked).toEqual([])
  })

  test('the question of a contract comes before that of a stage, and each is asked once', async () => {
    const approvals = new ScriptedApprovals({ approved: true })
    const { guard, read } = train({ approvalBackend: approvals }, [approve('ask', 'Bash')])
    await read('CHECKLIST.md')
    const tool = counted()
    await guard.run('Bash', { command: 'ls', path: 'x' }, tool)
    expect(approvals.asked.map(({ message }) => message)).toEqual(['May I? (ask)', 'The release manager must agree'])
    expect(tool.times).toBe(1)
  })

  test('a stage and a contract of one name are two questions', async () => {
    const approvals = new ScriptedApprovals({ approved: true })
    const { guard, read } = train({ approvalBackend: approvals }, [approve('sign', 'Bash')])
    await read('CHECKLIST.md')
    await guard.run('Bash', { command: 'ls', path: 'x' }, () => 'x')
    expect(approvals.asked).toHaveLength(2)
  })

  test('an observing guard tells what the gates would deny, and records no evidence of it', async () => {
    const { guard, bash, actions } = train({ mode: 'observe' })
    await bash('make release')
    expect(actions()).toEqual(['call_would_deny', 'call_executed'])
    expect(await guard.workflowStatus()).toMatchObject({ active_stage: 'read', completed_stages: [] })
  })

  test('the record of a call names every gate that was judged', async () => {
    const { read, sink } = train()
    await read('README.md')
    expect(sink.events[0]?.contractsEvaluated.filter(({ type }) => type === 'workflow_gate')).toMatchObject([
      { name: 'train:read:tools', passed: true, metadata: { stage_id: 'read', gate_kind: 'tools' } },
    ])
  })
})

describe('what goes wrong', () => {
  test('a state that is none denies, and so does a store that is away', async () => {
    const backend = new MemoryBackend()
    const { guard, sink } = train({ backend })
    backend.set(`s:${guard.sessionId}:workflow:train:state`, '{"active_stage": "gone"}')
    await expect(guard.run('Read', { file_path: 'x' }, () => 'x')).rejects.toThrow(EdictumDenied)
    expect(sink.events.at(-1)).toMatchObject({
      action: 'call_denied',
      decisionName: 'workflow_error',
      policyError: true,
    })
    const away: StorageBackend = {
      get: () => Promise.reject(new Error('away')),
      set: () => Promise.reject(new Error('away')),
      delete: () => Promise.resolve(),
      increment: () => Promise.resolve(1),
    }
    const tool = counted()
    await expect(train({ backend: away }).bash('ls', tool)).rejects.toThrow('away')
    expect(tool.times).toBe(0)
  })

  test('a tool that failed is no evidence', async () => {
    const { guard } = train()
    const fails = () => {
      throw new Error('no such file')
    }
    await expect(guard.run('Read', { file_path: 'CHECKLIST.md' }, fails)).rejects.toThrow('no such file')
    await expect(guard.run('Bash', { command: 'ls' }, () => 'x')).rejects.toThrow('Read the checklist first')
  })

  test('a document that is no workflow, a gate that runs commands, and a guard without gates are said so', async () => {
    expect(() => workflowGates('kind: Nothing')).toThrow(/^workflow: /)
    const exec = TRAIN.replace(`file_read("CHECKLIST.md")`, 'exec("make test")')
    expect(() => workflowGates(exec)).toThrow('exec conditions run commands and are off')
    const { guard } = guardFrom([])
    await expect(guard.resetWorkflow('x')).rejects.toThrow(
      "The guard has no gates; give it some by the option 'gates'.",
    )
  })

  test('a gate that runs commands asks who was given for it', async () => {
    const ran: string[] = []
    const runCommand = (command: string) => {
      ran.push(command)
      return { exitCode: ran.length > 1 ? 0 : 2, output: 'tests' }
    }
    const exec = TRAIN.replace(`file_read("CHECKLIST.md")`, 'exec("make test")')
    const approvals = new ScriptedApprovals({ approved: true })
    const { guard } = guardFrom([], { gates: workflowGates(exec, { runCommand }), approvalBackend: approvals })
    await expect(guard.run('Bash', { command: 'ls' }, () => 'x')).rejects.toThrow('Read the checklist first')
    await guard.run('Bash', { command: 'ls' }, () => 'x')
    expect(ran).toEqual(['make test', 'make test'])
  })
})
