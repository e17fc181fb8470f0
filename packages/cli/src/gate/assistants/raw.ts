import type { Assistant, Decided } from './assistant.ts'
import { mapped, text, toolArguments, toolName } from './reading.ts'

const line = (verdict: 'allow' | 'deny', { contractsEvaluated, contract, reason }: Decided): string => {
  const told = contract === null && reason === null ? {} : { contract_id: contract, reason }
  return `${JSON.stringify({ verdict, contracts_evaluated: contractsEvaluated, ...told })}\n`
}

/** For scripts: names are those of the contract language, and the answer says it all. */
export const raw: Assistant = {
  name: 'raw',
  patienceSeconds: 600,
  read(question) {
    return {
      ...mapped({}, toolName(question, 'tool_name'), toolArguments(question, 'tool_input'), text(question, 'cwd')),
      session: text(question, 'session_id'),
      callId: text(question, 'tool_use_id'),
      subAgent: null,
    }
  },
  allow: (decided) => ({ stdout: line('allow', decided), stderr: '', code: 0 }),
  deny: (decided) => ({ stdout: line('deny', decided), stderr: '', code: 1 }),
}
