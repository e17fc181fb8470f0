import type { Approvals } from '../../governance/governance.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Work } from '../interpreter/run.ts'
import { askedBy } from '../runs/asked.ts'
import { type Outcome, subjectOf } from '../runs/engine.ts'
import type { Pending, RunRecord } from '../runs/run-record.ts'

/** As approvals name what a Human state asks. */
const TOOL = 'workflow.human'
const LONGEST_SECONDS = 2_592_000
/** Of a prompt as it is shown, in UTF-16 units: what approvals of agents may have. */
const LONGEST_PROMPT = 10_000
const ASK_AGAIN_MS = 2_000

type Asked = Pick<Approvals, 'request' | 'get' | 'withdraw' | 'listOf' | 'listen' | 'settledOf'>

/** What people are asked by runs. Nothing is read while a question waits: whoever answers it, or its time, wakes its run. */
export interface HumanStates {
  /**
   * Ask a person, or find what was asked; null while there is no answer.
   * @param options.again called, once or more, when there may be one: whoever is called asks anew
   */
  ask(
    run: Pick<RunRecord, 'id' | 'tenantId' | 'workflowName' | 'dueAt'>,
    pending: Pending & { readonly work: Extract<Work, { kind: 'Human' }> },
    options: {
      readonly signal: AbortSignal
      readonly isWanted: () => Promise<boolean>
      readonly again: () => void
    },
  ): Promise<Outcome | null>
  /** Messages may be lost: wake the runs whose questions are settled and that have not heard of it. */
  lookThrough(): Promise<void>
}

export function createHumanStates(deps: { readonly approvals: Asked; readonly clock: Clock }): HumanStates {
  const { approvals, clock } = deps
  /** By the question: how its run is woken. */
  const waiting = new Map<string, () => void>()

  function wait(id: string, signal: AbortSignal, again: () => void): void {
    const forget = () => {
      stopListening()
      signal.removeEventListener('abort', forget)
      if (waiting.get(id) === wake) waiting.delete(id)
    }
    const wake = () => {
      forget()
      again()
    }
    const stopListening = approvals.listen(id, wake)
    waiting.set(id, wake)
    signal.addEventListener('abort', forget, { once: true })
    if (signal.aborted) forget()
  }

  return {
    async ask(run, { entry, state, work, timeoutSeconds }, { signal, isWanted, again }) {
      const { tenantId } = run
      const subject = subjectOf(run)
      const left = run.dueAt === null ? timeoutSeconds : Math.ceil((run.dueAt / 1000 - clock.now()) / 1000)
      const approval =
        (await askedBy(approvals, run, entry)) ??
        (await approvals.request({
          tenantId,
          agentId: `workflow:${run.workflowName}`,
          env: 'production',
          toolName: TOOL,
          toolArgs: { workflow: run.workflowName, state, entry },
          message: shortened(work.prompt),
          timeoutSeconds: Math.min(Math.max(1, left), LONGEST_SECONDS),
          timeoutEffect: 'deny',
          decisionSource: null,
          contractName: null,
          subject: { kind: subject.kind, id: subject.id },
          askedBy: null,
          sessionId: null,
          actionDigest: null,
        }))
      // Asked while the state was left, it would stay in the inbox for nothing.
      if (!(await isWanted())) {
        await approvals.withdraw({ tenantId, subject }, 'The workflow has gone on.')
        return null
      }
      if (signal.aborted) return null
      // Listening begins before the look: what is settled in between wakes.
      wait(approval.id, signal, again)
      const { outcome } = await approvals.get(tenantId, approval.id)
      switch (outcome.status) {
        case 'approved':
        case 'denied':
          return {
            type: 'human_decided',
            isApproved: outcome.status === 'approved',
            feedback: outcome.decisionReason ?? '',
            by: outcome.decidedBy,
          }
        case 'timeout':
          return { type: 'state_timed_out' }
        case 'pending':
          return null
        case 'withdrawn': {
          // By a signal, which leads on; where that could not be kept, the person is asked anew.
          const cancel = clock.after(ASK_AGAIN_MS, again)
          signal.addEventListener('abort', cancel, { once: true })
          return null
        }
      }
    },
    async lookThrough() {
      for (const id of await approvals.settledOf([...waiting.keys()])) waiting.get(id)?.()
    },
  }
}

const shortened = (prompt: string): string =>
  prompt.length <= LONGEST_PROMPT ? prompt : `${prompt.slice(0, LONGEST_PROMPT - 1)}…`
