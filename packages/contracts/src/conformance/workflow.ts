import { type Mismatch, mismatch } from './result.ts'
import type { Mapping } from './values.ts'

export function runWorkflowCase(fixture: Mapping, _workflows: Mapping): Mismatch {
  return mismatch('workflow', fixture.id)
}
