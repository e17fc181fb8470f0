import { scopeOfRecord, type TenantScope } from '../identity/scope.ts'
import type { ExecutionSummary } from './record/execution.ts'
import type { ExecutionStore } from './record/store.ts'

const REASON = 'The tenant was suspended or deleted.'
const AT_ONCE = 100

/** Ends what runs of a tenant that was stopped: its workflows, then their executions and all others. Again changes nothing. */
export function createStopTenant(deps: {
  executionStore: Pick<ExecutionStore, 'list'>
  end: (execution: ExecutionSummary, reason: string) => Promise<unknown>
  cancelRuns: (scope: TenantScope, reason: string) => Promise<void>
}): (tenant: { readonly tenantId: string }) => Promise<void> {
  const { executionStore, end, cancelRuns } = deps
  return async (tenant) => {
    const scope = scopeOfRecord(tenant)
    await cancelRuns(scope, REASON)
    for (const status of ['pending', 'running']) {
      const page = { agentId: null, status, limit: AT_ONCE, offset: 0 }
      // What could not be ended stays in the list, and is tried again with the next sweep.
      const tried = new Set<string>()
      for (;;) {
        const found = (await executionStore.list(scope, page)).filter(({ id }) => !tried.has(id))
        if (found.length === 0) break
        for (const execution of found) {
          tried.add(execution.id)
          await end(execution, REASON)
        }
      }
    }
  }
}
