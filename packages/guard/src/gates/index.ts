/** Gates that hold the calls of a session to an order: stages, what must be done in each, and who must agree. */
export type { RunCommand, Workflow } from '@lictor/contracts/gates'
export type { GateDecision, GateEvent, SessionGates, WorkflowStatus } from '../gates.ts'
export { type CallEvidence, type WorkflowGatesOptions, workflowGates } from './workflow-gates.ts'
