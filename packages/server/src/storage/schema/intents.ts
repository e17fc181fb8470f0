/** A task in words, and the run of a workflow that does it. */
export interface IntentPipelineRow {
  id: string
  tenant_id: string
  run_id: string
  intent: string
  language: string
  status: string
  /** What it came to; null before its end, and where it came to nothing. */
  final_result: string | null
  failed_at_state: string | null
  reason: string | null
  started_at: number
  ended_at: number | null
}
