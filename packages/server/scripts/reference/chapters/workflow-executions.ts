import type { Chapter } from '../chapter.ts'

const begins = {
  notes:
    'Returns before the run ends. It runs on the version that it was started with. 422 for an input that does not fit `input_schema`, and for a workflow with states that this server does not run; the words name the state. 429 with 10,000 runs of the tenant under way.',
  emits: [
    'workflow_execution_started',
    'workflow_state_entered',
    'workflow_state_exited',
    'workflow_iteration_started',
    'workflow_iteration_completed',
    'workflow_iteration_failed',
    'workflow_execution_completed',
    'workflow_execution_failed',
  ],
}

export const workflowExecutions: Chapter = {
  tag: 'workflow executions',
  description:
    'Runs of workflows. A run goes on where it was when its server is gone: what was done is not done again, what was under way is begun again.',
  fields: {
    name: 'Name of the workflow, or its id.',
    id: 'Id of the run.',
    execution_id: 'The same id.',
    workflow_execution_id: 'The same id, under the name that other clients read.',
    workflow_id: 'Id of the workflow. In the body that starts one: its name or id.',
    workflow_name:
      'Name of the workflow as the run began. In the body that starts one: its name or id; wins over `workflow_id`.',
    version: 'A version of the workflow; the newest where it is left out.',
    input: 'What `{{input.…}}` reads: at most 1 MiB of JSON, objects and arrays at most 64 deep.',
    blackboard:
      'Entries of the blackboard beside the constants of the manifest. Not `instruction`, `input`, `iteration_number`, `previous_error`, `context`, `workflow`. Of a run: what its templates read now.',
    context_overrides: 'The same, under the name that other clients send; `blackboard` wins.',
    intent: 'What `{{intent}}` reads.',
    status: '`running`, `completed`, `failed` or `cancelled`; in answers to other calls what was done.',
    current_state: 'The state that is under way; after the end the last one.',
    started_at: 'When it began.',
    ended_at: 'When it ended; null until then.',
    last_transition_at: 'When its state was entered, or it ended.',
    summary: 'Why it failed or was cancelled; null otherwise.',
    tenant_id: 'Id of the tenant it belongs to.',
    temporal_workflow_id: 'Always null: this server keeps runs itself.',
    temporal_run_id: 'Always null.',
    state_outputs: 'What each state that was entered has left last, by its name.',
    final_output: 'Of a run that completed: its `output_template` rendered, else what its last state has left.',
    success: 'Always true.',
    reason: 'Why; shown as `summary`.',
    response: 'The answer, for example `yes`.',
    signal_name: 'The answer where there is no other; and a name under which the payload stands on the blackboard.',
    payload: 'The answer as text, or an object with `response`, `value` or `decision`, and `feedback`.',
    feedback: 'What later templates read as `{{human.feedback}}`.',
    limit: 'At most so many; 1,000 where it is more.',
    offset: 'How many to leave out; of logs, the `sequence` of the last entry that was seen.',
    executions: 'The runs, newest first.',
    items: 'The same list, under the name that other clients read.',
    count: 'How many there are.',
    events: 'The entries, in their order.',
    has_more: 'Whether there are entries after these: a page has at most 1 MiB.',
    type: 'For example `WorkflowStateEntered`.',
    event_type: 'The same.',
    message: 'What happened, in a sentence.',
    state_name: 'The state that it is about.',
    iteration_number: 'Of an execution of an Agent state, from 1.',
    timestamp: 'When.',
    sequence: 'Its place in the run, from 1, without gaps.',
    details: 'The event under its variant. A value above 32 Ki characters is left out, and its size told.',
  },
  operations: {
    'POST /v1/workflows/:name/run': begins,
    'POST /v1/workflows/:name/execute': { ...begins, notes: 'As `POST /v1/workflows/{name}/run`.' },
    'POST /v1/workflows/temporal/execute': { ...begins, notes: 'As `POST /v1/workflows/{name}/run`.' },
    'GET /v1/workflows/executions': {},
    'GET /v1/workflows/executions/:id': {},
    'DELETE /v1/workflows/executions/:id': { notes: '409 while it runs.' },
    'POST /v1/workflows/executions/:id/cancel': {
      notes: 'Its execution, its command or its question end with it.',
      emits: ['workflow_execution_cancelled'],
    },
    'POST /v1/workflows/executions/:id/signal': {
      notes: '409 for a run that has ended, and where the question was decided already.',
    },
    'GET /v1/workflows/executions/:id/logs': {},
    'GET /v1/workflows/executions/:id/logs/stream': {
      notes: 'Begins with the first entry, or after `Last-Event-ID`; a keep-alive comment every 15 s.',
    },
  },
}
