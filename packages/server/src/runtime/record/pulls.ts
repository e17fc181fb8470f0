import type { ImagePull } from '../../ports/sandbox.ts'
import { draft, type EventDraft } from './events.ts'

/** What was done to have an agent's image, as an event of its execution. */
export function pullEvent(pull: ImagePull, iteration: number): EventDraft {
  const fields = { iteration_number: iteration, image: pull.image }
  switch (pull.kind) {
    case 'started':
      return draft('image_pull_started', { ...fields, pull_policy: pull.pullPolicy })
    case 'completed':
      return draft('image_pull_completed', { ...fields, source: pull.source, duration_ms: pull.durationMs })
    case 'failed':
      return draft('image_pull_failed', { ...fields, reason: pull.reason })
  }
}
