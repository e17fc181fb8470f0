import { InvalidInput } from '../../errors.ts'
import type { Micros } from '../../storage/instants.ts'

/** Where stimuli come from that name no source. */
export const OWN_API = 'http_api'
/** Stands for every source that a tenant names no other way for. */
export const EVERY_OTHER = '*'
const LONGEST_NAME = 128

/** How webhooks of a source are signed: over the body alone, or over the body and the instant, as Stripe does it. */
export type SignatureForm = 'aegis' | 'stripe'
export const signatureForms = ['aegis', 'stripe'] as const

/** What a tenant does with stimuli of a source. */
export interface Source {
  readonly tenantId: string
  /** In lower case. */
  readonly name: string
  /** Id or name of the workflow that they begin. */
  readonly workflow: string | null
  /** Id or name of the agent that chooses a workflow, where none is named. */
  readonly routerAgent: string | null
  readonly signature: SignatureForm
  readonly hasSecret: boolean
  readonly createdBy: string
  readonly createdAt: Micros
  readonly updatedAt: Micros
}

/** A tenant that takes webhooks of a source, and by which secret it knows them. */
export interface Candidate {
  readonly tenantId: string
  readonly signature: SignatureForm
  readonly secret: string | null
}

/** The name of a source as it is kept. @throws InvalidInput */
export function sourceName(text: string, place: 'body' | 'path' = 'body'): string {
  const isWrong = text === '' || text.length > LONGEST_NAME || /[\s/\p{Cc}]/u.test(text)
  if (!isWrong) return text.toLowerCase()
  throw new InvalidInput([
    {
      loc: [place, 'source'],
      msg: `A source is named by 1 to ${LONGEST_NAME} characters without '/', blanks and control characters.`,
    },
  ])
}

/** How a source is signed that says nothing of it. */
export const usualForm = (name: string): SignatureForm => (name === 'stripe' ? 'stripe' : 'aegis')
