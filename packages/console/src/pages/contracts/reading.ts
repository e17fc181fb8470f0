import { EdictumConfigError, loadBundle } from '@lictor/contracts'
import {
  type BundleDifference,
  compareBundles,
  offerRuleset,
  type Reader,
  readerIssues,
} from '@lictor/contracts/authoring'

export type Difference = BundleDifference

/** Which published SDKs load a document. */
export interface Readable {
  /** The SDKs before 0.17, which read a `ContractBundle`. */
  readonly contracts: boolean
  /** The later ones, which are given a `Ruleset`. */
  readonly rulesets: boolean
  /** Why the later ones of a language refuse it. */
  readonly refusals: readonly { readonly reader: Reader; readonly message: string }[]
}

/** @throws EdictumConfigError for a text that does not load */
export const differenceOf = (before: string, after: string): Difference =>
  compareBundles(loadBundle(before).document, loadBundle(after).document)

/** @throws EdictumConfigError for a text that does not load */
export function readableBy(text: string): Readable {
  const { document } = loadBundle(text)
  const contracts = document.kind === 'ContractBundle'
  const offered = offerOf(text)
  if (offered === null) return { contracts, rulesets: false, refusals: [] }
  const refusals = readerIssues(text, document, offered).map(({ reader, message }) => ({ reader, message }))
  return { contracts, rulesets: true, refusals }
}

function offerOf(text: string): string | null {
  try {
    return offerRuleset(text)
  } catch (error) {
    if (error instanceof EdictumConfigError) return null
    throw error
  }
}
