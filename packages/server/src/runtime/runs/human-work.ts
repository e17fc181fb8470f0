import type { Approval, Approvals } from '../../governance/governance.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Work } from '../interpreter/run.ts'
import { type Outcome, subjectOf } from './engine.ts'
import type { Pending, RunRecord } from './run-record.ts'

/** As approvals name what a Human state asks. */
const TOOL = 'workflow.human'
const LONGEST_SECONDS = 2_592_000
/** Of a prompt as it is shown, in UTF-16 units: what approvals of agents may have. */
const LONGEST_PROMPT = 10_000
const ASK_AGAIN_MS = 2_000

type Asked = Pick<Approvals, 'request' | 'settled' | 'withdraw' | 'listOf'>

/** What a Human state asked for: one row of the inbox, found again by the entry that it is for. */
export async function askedBy(
  approvals: Pick<Asked, 'listOf'>,
  run: Pick<RunRecord, 'id' | 'tenantId'>,
  entry: number,
): Promise<Approval | undefined> {
  const asked = await approvals.listOf({ tenantId: run.tenantId, subject: subjectOf(run) })
  return asked.findLast(({ toolArgs, outcome }) => toolArgs?.entry === entry && outcome.status !== 'withdrawn')
}

/** Ask a person, or find what was asked, and wait for the answer; null when it comes by another way. */
export async function workHuman(
  deps: { readonly approvals: Asked; readonly clock: Clock },
  run: Pick<RunRecord, 'id' | 'tenantId' | 'workflowName' | 'dueAt'>,
  { entry, state, work, timeoutSeconds }: Pending & { readonly work: Extract<Work, { kind: 'Human' }> },
  options: { readonly signal: AbortSignal; readonly isWanted: () => Promise<boolean> },
): Promise<Outcome | null> {
  const { approvals, clock } = deps
  const { signal, isWanted } = options
  const { tenantId } = run
  const subject = subjectOf(run)
  while (!signal.aborted) {
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
        actionDigest: null,
      }))
    // Asked while the state was left, it would stay in the inbox for nothing.
    if (!(await isWanted())) {
      await approvals.withdraw({ tenantId, subject }, 'The workflow has gone on.')
      return null
    }
    const { outcome } = await approvals.settled({ tenantId, id: approval.id }, { signal })
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
        // This server stops: whoever takes the run over waits on.
        return null
      case 'withdrawn':
        // By a signal, which leads on; where that could not be kept, the person is asked anew.
        await pause(clock, signal)
    }
  }
  return null
}

const shortened = (prompt: string): string =>
  prompt.length <= LONGEST_PROMPT ? prompt : `${prompt.slice(0, LONGEST_PROMPT - 1)}…`

function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ASK_AGAIN_MS, resolve)
    signal.addEventListener(
      'abort',
      () => {
        cancel()
        resolve()
      },
      { once: true },
    )
    if (signal.aborted) resolve()
  })
}
