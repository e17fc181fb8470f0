export { evaluateWorkflow } from './evaluate.ts'
export { compileWorkflow, loadWorkflow, type WorkflowOptions } from './load.ts'
export { recordApproval, recordResult, resetToStage, setStage, type WorkflowChange } from './operations.ts'
export { initialState, workflowStateFromWire, workflowStateToWire } from './state.ts'
export type {
  Check,
  Condition,
  Gate,
  GateCall,
  PendingApproval,
  RunCommand,
  Stage,
  Workflow,
  WorkflowDecision,
  WorkflowEvent,
  WorkflowRecord,
  WorkflowState,
} from './types.ts'
