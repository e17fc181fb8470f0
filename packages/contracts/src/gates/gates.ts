import type { Envelope } from '../types.ts'
import type { Condition, Gate, RunCommand, Stage, Workflow, WorkflowRecord, WorkflowState } from './types.ts'

/** Whether a gate is open, and the evidence for it. */
export interface GateAnswer {
  readonly passed: boolean
  readonly evidence: string
}

const MAX_EVIDENCE = 4096

/** Judges a condition; `own` is the stage the gate belongs to, for an entry gate the one being entered. */
export function judgeGate(
  condition: Condition,
  own: Stage,
  state: WorkflowState,
  run: RunCommand | undefined,
): GateAnswer {
  switch (condition.kind) {
    case 'stage_complete':
      return { passed: state.completedStages.includes(condition.stage), evidence: condition.stage }
    case 'file_read':
      return { passed: state.evidence.reads.includes(condition.path), evidence: condition.path }
    case 'approval': {
      const stored = ownEntry(state.approvals, condition.stage ?? own.id) ?? ''
      return { passed: stored === 'approved', evidence: stored }
    }
    case 'command_matches':
    case 'command_not_matches': {
      const commands = ownEntry(state.evidence.stageCalls, own.id) ?? []
      const found = commands.some((command) => condition.pattern.test(command))
      return { passed: found === (condition.kind === 'command_matches'), evidence: commands.join(' | ') }
    }
    case 'exec': {
      if (run === undefined) throw new Error('exec conditions need somebody to run the command')
      const { exitCode, output } = run(condition.command)
      const text = output.length > MAX_EVIDENCE ? `${output.slice(0, MAX_EVIDENCE)}...[truncated]` : output
      return { passed: exitCode === condition.exitCode, evidence: `exit_code=${exitCode} output=${text}` }
    }
    case 'mcp_result_matches': {
      const results = ownEntry(state.evidence.mcpResults, condition.tool) ?? []
      const found = results.some((result) => {
        const field = ownEntry(result, condition.field)
        return field !== undefined && String(field) === condition.value
      })
      return { passed: found, evidence: condition.tool }
    }
  }
}

export function ownEntry<Entry>(record: Readonly<Record<string, Entry>>, key: string): Entry | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}

/** The first gate that is not open, all of them recorded up to it. */
export function firstClosed(
  gates: readonly Gate[],
  own: Stage,
  workflow: Workflow,
  state: WorkflowState,
  run: RunCommand | undefined,
  records: WorkflowRecord[],
): Gate | null {
  for (const gate of gates) {
    const answer = judgeGate(gate.condition, own, state, run)
    records.push(gateRecord(workflow, own, gate.condition.kind, gate.source, answer, gate.message))
    if (!answer.passed) return gate
  }
  return null
}

export function gateRecord(
  workflow: Workflow,
  stage: Stage,
  kind: string,
  condition: string,
  answer: GateAnswer,
  message: string,
  extra: Readonly<Record<string, unknown>> = {},
): WorkflowRecord {
  return {
    name: `${workflow.name}:${stage.id}:${kind}`,
    type: 'workflow_gate',
    passed: answer.passed,
    message: answer.passed ? null : message,
    metadata: {
      workflow_name: workflow.name,
      stage_id: stage.id,
      gate_kind: kind,
      gate_condition: condition,
      gate_passed: answer.passed,
      gate_evidence: answer.evidence,
      ...extra,
    },
  }
}

/** What a stage itself says of a call. `boundary`: it accepts none and only waits for its gates. */
export type StageJudgement =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'boundary' }
  | { readonly kind: 'tools'; readonly reason: string }
  | { readonly kind: 'check'; readonly reason: string; readonly check: 'command_matches' | 'command_not_matches' }

export function judgeStage(
  workflow: Workflow,
  stage: Stage,
  call: Envelope,
  records: WorkflowRecord[],
): StageJudgement {
  const waits = stage.approval !== null || stage.exit.length > 0
  if (stage.tools.length === 0 && stage.checks.length === 0 && waits) return { kind: 'boundary' }
  const accepted = acceptsTool(stage, call.toolName)
  const patterns = stage.tools.map(({ pattern }) => pattern).join(', ')
  const reason = 'Tool is not allowed in this workflow stage'
  records.push(gateRecord(workflow, stage, 'tools', patterns, { passed: accepted, evidence: call.toolName }, reason))
  if (!accepted) return { kind: 'tools', reason }
  const command = commandOf(call)
  for (const check of stage.checks) {
    const passed = check.pattern.test(command) === (check.kind === 'command_matches')
    const source = `${check.kind}("${check.pattern.source}")`
    records.push(gateRecord(workflow, stage, 'check', source, { passed, evidence: command }, check.message))
    if (!passed) return { kind: 'check', reason: check.message, check: check.kind }
  }
  return { kind: 'accepted' }
}

export function acceptsTool(stage: Stage, tool: string): boolean {
  return stage.tools.length === 0 ? !stage.terminal : stage.tools.some(({ matches }) => matches(tool))
}

export function commandOf(call: Envelope): string {
  return call.bashCommand ?? ''
}
