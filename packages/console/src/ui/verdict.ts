import { visible } from './visible.ts'

/** How a verdict looks. Tone is colour and icon; the word is always there too, because colour alone is not enough. */
export type Tone = 'allow' | 'deny' | 'ask' | 'observe' | 'neutral'

interface Look {
  readonly tone: Tone
  readonly label: string
}

const LOOKS: Readonly<Record<string, Look>> = {
  call_allowed: { tone: 'allow', label: 'Allowed' },
  allowed: { tone: 'allow', label: 'Allowed' },
  allow: { tone: 'allow', label: 'Allowed' },
  call_executed: { tone: 'allow', label: 'Executed' },
  call_denied: { tone: 'deny', label: 'Denied' },
  denied: { tone: 'deny', label: 'Denied' },
  deny: { tone: 'deny', label: 'Denied' },
  call_failed: { tone: 'deny', label: 'Failed' },
  call_would_deny: { tone: 'observe', label: 'Would deny' },
  would_deny: { tone: 'observe', label: 'Would deny' },
  postcondition_warning: { tone: 'ask', label: 'Warning' },
  call_approval_requested: { tone: 'ask', label: 'Asked' },
  pending: { tone: 'ask', label: 'Asked' },
  pending_approval: { tone: 'ask', label: 'Asked' },
  call_approval_granted: { tone: 'allow', label: 'Approved' },
  call_approval_denied: { tone: 'deny', label: 'Refused' },
  call_approval_timeout: { tone: 'deny', label: 'Timed out' },
}

/** An unknown verdict is shown as it came: the server stores any string. */
export const lookOf = (verdict: string): Look =>
  (Object.hasOwn(LOOKS, verdict) && LOOKS[verdict]) || { tone: 'neutral', label: visible(verdict) }

/** The verdicts SDKs send, for the filter before any event is loaded. */
export const KNOWN_VERDICTS: readonly string[] = [
  'call_allowed',
  'call_denied',
  'call_would_deny',
  'call_executed',
  'call_failed',
  'postcondition_warning',
  'call_approval_requested',
  'call_approval_granted',
  'call_approval_denied',
  'call_approval_timeout',
]
