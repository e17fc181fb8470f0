import type { Approval, Approvals } from '../../governance/governance.ts'
import { subjectOf } from './engine.ts'
import type { RunRecord } from './run-record.ts'

/** What a Human state asked for: one row of the inbox, found again by the entry that it is for. */
export async function askedBy(
  approvals: Pick<Approvals, 'listOf'>,
  run: Pick<RunRecord, 'id' | 'tenantId'>,
  entry: number,
): Promise<Approval | undefined> {
  const asked = await approvals.listOf({ tenantId: run.tenantId, subject: subjectOf(run) })
  return asked.findLast(({ toolArgs, outcome }) => toolArgs?.entry === entry && outcome.status !== 'withdrawn')
}
