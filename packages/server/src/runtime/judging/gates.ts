import type { Envelope } from '@lictor/contracts'
import type { SessionGates } from '@lictor/guard'
import { type CallEvidence, workflowGates } from '@lictor/guard/gates'
import type { AssignedGates } from '../../governance/governance.ts'

/** The argument that names the file whose text a tool reads, by the tool's name; nothing for a tool that reads none. */
export type ReadsFile = (toolName: string) => string | undefined

/**
 * The gates before an agent, compiled once for as long as they stay the same.
 * @throws when they cannot be read or loaded
 */
export function createGatesOf(readsFile: ReadsFile): (assigned: AssignedGates | null) => Promise<SessionGates | null> {
  let known: { readonly revisionHash: string; readonly gates: SessionGates } | null = null
  return async (assigned) => {
    if (assigned === null) return null
    if (known?.revisionHash !== assigned.revisionHash) {
      const gates = workflowGates(await assigned.read(), { evidenceOf: (call) => evidenceOf(call, readsFile) })
      known = { revisionHash: assigned.revisionHash, gates }
    }
    return known.gates
  }
}

/** What a call of a tool of this server is evidence of: the tools are not called `Bash` and `Read` here. */
function evidenceOf(call: Envelope, readsFile: ReadsFile): CallEvidence {
  const [argument] = call.described?.commands ?? []
  // Program and arguments apart are one line, quoted where a shell would need it.
  const command = argument === undefined ? null : (call.joined ?? call).args[argument]
  const path = readsFile(call.toolName)
  const reads = path === undefined ? null : call.args[path]
  return {
    command: typeof command === 'string' ? command : null,
    reads: typeof reads === 'string' ? reads : null,
  }
}
