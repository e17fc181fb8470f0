import type { ContractType } from '../types.ts'

/** What a condition or a message may ask of a call, for editors. */
export interface Selector {
  /** Ends with a dot where the name of a field follows. */
  readonly name: string
  readonly description: string
  /** Types of contracts that can see it. */
  readonly types: readonly ContractType[]
}

const BEFORE_AND_AFTER: readonly ContractType[] = ['pre', 'post']
const AFTER: readonly ContractType[] = ['post']

export const SELECTORS: readonly Selector[] = [
  { name: 'args.', description: 'An argument of the call; dots lead into objects.', types: BEFORE_AND_AFTER },
  { name: 'tool.name', description: 'The name of the tool that is called.', types: BEFORE_AND_AFTER },
  { name: 'environment', description: 'Where the agent runs, for example production.', types: BEFORE_AND_AFTER },
  { name: 'principal.role', description: 'The role of the one on whose behalf it is made.', types: BEFORE_AND_AFTER },
  { name: 'principal.user_id', description: 'The person on whose behalf it is made.', types: BEFORE_AND_AFTER },
  { name: 'principal.service_id', description: 'The service on whose behalf it is made.', types: BEFORE_AND_AFTER },
  { name: 'principal.org_id', description: 'The organisation on whose behalf it is made.', types: BEFORE_AND_AFTER },
  { name: 'principal.ticket_ref', description: 'The ticket that it is made for.', types: BEFORE_AND_AFTER },
  { name: 'principal.claims.', description: 'What else is claimed of the principal.', types: BEFORE_AND_AFTER },
  { name: 'metadata.', description: 'What the agent says of the call beside it.', types: BEFORE_AND_AFTER },
  { name: 'env.', description: 'A variable of the agent’s process.', types: BEFORE_AND_AFTER },
  { name: 'output.text', description: 'What the tool returned, as text.', types: AFTER },
  { name: 'result.', description: 'A field of what the tool returned.', types: AFTER },
]
