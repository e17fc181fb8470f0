/** Judges cases with our guard and contracts: one JSON line in, one JSON line out, in the words of `python_worker.py`. */
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { createEnvelope, loadPolicy, type Policy } from '@lictor/contracts'
import { explain } from '@lictor/contracts/authoring'
import {
  type ApprovalBackend,
  CollectingAuditSink,
  Edictum,
  EdictumConfigError,
  EdictumDenied,
  EdictumToolError,
  type PrincipalInput,
} from '@lictor/guard'

interface Case {
  readonly bundle: string
  readonly environment: Readonly<Record<string, string>>
  readonly call: {
    readonly tool: string
    readonly args: Readonly<Record<string, unknown>>
    readonly principal: PrincipalInput | null
    readonly output: string
    readonly throws: boolean
    readonly answer: 'approved' | 'denied' | 'timeout'
  }
}

/** A person who decides as the case says, and what was asked. */
interface Person {
  answer: Case['call']['answer']
  asked: string[]
}

interface Loaded {
  readonly identity: string
  readonly guard: Edictum
  readonly policy: Policy
  readonly sink: CollectingAuditSink
  readonly person: Person
}

const HOME = { env: { HOME: process.env.HOME } }

/** Loading takes most of the time, so calls of the same bundle share a guard. */
let latest: Loaded | null = null

function load(identity: string, bundle: string, environmentVariables: Case['environment']): Loaded {
  const sink = new CollectingAuditSink()
  const person: Person = { answer: 'approved', asked: [] }
  const guard = Edictum.fromYamlString(bundle, {
    auditSink: sink,
    approvalBackend: approver(person),
    environmentVariables,
    // What the guard warns of is no answer.
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  })
  return { identity, guard, policy: loadPolicy(bundle), sink, person }
}

function approver(person: Person): ApprovalBackend {
  const timestamp = '2026-01-01T00:00:00Z'
  return {
    requestApproval: async (toolName, toolArgs, message) => {
      person.asked.push(message)
      return {
        approvalId: 'q',
        toolName,
        toolArgs,
        message,
        timeout: 300,
        timeoutEffect: 'deny',
        principal: null,
        metadata: {},
        createdAt: timestamp,
      }
    },
    waitForDecision: async () => ({
      approved: person.answer === 'approved',
      approver: 'p',
      reason: 'no',
      status: person.answer,
      timestamp,
    }),
  }
}

async function judge({ bundle, environment, call }: Case): Promise<unknown> {
  const identity = JSON.stringify([bundle, environment])
  try {
    if (latest?.identity !== identity) latest = load(identity, bundle, environment)
  } catch (error) {
    if (!(error instanceof EdictumConfigError)) throw error
    return { load: 'refused', because: error.message, codes: error.issues.map(({ code }) => code) }
  }
  const { guard, sink, person } = latest
  const asked: string[] = []
  person.answer = call.answer
  person.asked = asked
  sink.clear()
  const tool = (): string => {
    if (call.throws) throw new Error(call.output)
    return call.output
  }
  const sessionId = randomUUID()
  const options = call.principal ? { principal: call.principal, sessionId } : { sessionId }
  let run: unknown
  try {
    run = { ended: 'ran', value: await guard.run(call.tool, call.args, tool, options) }
  } catch (error) {
    if (error instanceof EdictumDenied) {
      run = { ended: 'denied', value: error.reason, source: error.decisionSource, name: error.decisionName }
    } else if (error instanceof EdictumToolError) run = { ended: 'failed', value: error.message }
    else run = { ended: 'broke', value: String(error) }
  }
  const audit = sink.events.map((event) => ({
    action: event.action,
    source: event.decisionSource,
    name: event.decisionName,
    reason: event.reason,
    side_effect: event.sideEffect,
    policy_error: event.policyError,
    metadata: event.contractsEvaluated.map((record) => record.metadata ?? null),
  }))
  return { load: 'loaded', run, asked, audit, evaluate: await evaluated(guard, call), sights: sights(latest, call) }
}

/** What each sandbox contract looked at: paths and hosts as it judged them. */
function sights({ policy }: Loaded, { tool, args, principal }: Case['call']): unknown {
  const envelope = createEnvelope(tool, args, { principal })
  const { contracts } = explain(policy, envelope, { attempts: 0, executions: 0, toolExecutions: 0 }, HOME)
  return Object.fromEntries(
    contracts.flatMap(({ id, type, sandbox }): [string, unknown][] => {
      if (type !== 'sandbox') return []
      if (sandbox === null) return [[id, null]]
      const paths = sandbox.paths.flatMap(({ path, judgedAs }) => judgedAs ?? [path])
      return [[id, { paths, hosts: sandbox.hosts.map(({ host }) => host), command: sandbox.command?.text ?? null }]]
    }),
  )
}

async function evaluated(guard: Edictum, call: Case['call']): Promise<unknown> {
  try {
    const result = await guard.evaluate(call.tool, call.args, { output: call.output, principal: call.principal })
    return {
      verdict: result.verdict,
      policy_error: result.policyError,
      deny: result.denyReasons,
      warn: result.warnReasons,
      contracts: result.contracts.map((contract) => ({
        id: contract.contractId,
        type: contract.contractType,
        passed: contract.passed,
        message: contract.message,
        tags: contract.tags,
        observed: contract.observed,
        effect: contract.effect,
        policy_error: contract.policyError,
      })),
    }
  } catch (error) {
    return { broke: String(error) }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await judge(JSON.parse(line) as Case)
  // The other side reads the answer as JSON, which carries a big integer as the same double.
  console.log(JSON.stringify(answer, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)))
}
