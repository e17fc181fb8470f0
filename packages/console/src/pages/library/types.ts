import type { ContractType } from './route.ts'

/** What a contract of each type looks at. */
export const TYPE_WORDS: Readonly<Record<ContractType, string>> = {
  pre: 'before a call',
  post: 'what it returned',
  session: 'how much in one session',
  sandbox: 'within bounds',
}
