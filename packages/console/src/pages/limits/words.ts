/** What people call what is counted, and over how long. */
export const RESOURCES: readonly { readonly value: string; readonly label: string }[] = [
  { value: 'agent_execution', label: 'Agent executions' },
  { value: 'workflow_execution', label: 'Workflow executions' },
  { value: 'llm_call', label: 'Calls of language models' },
  { value: 'llm_token', label: 'Tokens of language models' },
]
export const BUCKETS: readonly { readonly value: string; readonly label: string }[] = [
  { value: 'per_minute', label: 'a minute' },
  { value: 'hourly', label: 'an hour' },
  { value: 'daily', label: 'a day' },
  { value: 'weekly', label: 'a week' },
  { value: 'monthly', label: 'a month' },
]

export const resourceWords = (type: string): string =>
  RESOURCES.find(({ value }) => value === type)?.label ??
  (type.startsWith('seal_tool:') ? `Calls of the tools ${type.slice('seal_tool:'.length)}` : type)
export const bucketWords = (bucket: string): string => BUCKETS.find(({ value }) => value === bucket)?.label ?? bucket
