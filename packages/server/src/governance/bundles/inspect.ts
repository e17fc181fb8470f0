import type { ContractIssue, LoadedBundle } from '@lictor/contracts'
import {
  checkBundle,
  type LaxWord,
  laxWords,
  offerRuleset,
  type ReaderIssue,
  readerIssues,
} from '@lictor/contracts/authoring'
import { InvalidInput } from '../../errors.ts'
import { issueProblem } from '../wire-issue.ts'

/** What the server needs to know of an uploaded document; its bytes are stored as they came. */
export interface InspectedBundle {
  readonly name: string
  readonly contractCount: number
  /** Hex SHA-256 of the text's UTF-8. */
  readonly revisionHash: string
  /** For the person who uploads; the upload succeeded all the same. */
  readonly warnings: readonly ContractIssue[]
  /** What keeps agents with certain SDKs from loading it. */
  readonly readerIssues: readonly ReaderIssue[]
}

/** Load the document in full. @throws InvalidInput with every problem, each with its place. */
export function inspectBundle(text: string): InspectedBundle {
  const { document, hash, warnings } = load(text)
  if (document.name === null) throw refusal([nameMissing])
  const lax = laxWords(text)
  if (lax.length > 0) throw refusal(lax.map((word) => laxIssue(text, word)))
  return {
    name: document.name,
    contractCount: document.contracts.length,
    revisionHash: hash,
    warnings: document.kind === 'Ruleset' ? [rulesetWarning, ...warnings] : warnings,
    readerIssues: readerIssues(text, document, offerRuleset(text)),
  }
}

function load(text: string): LoadedBundle & { readonly warnings: readonly ContractIssue[] } {
  const { bundle, issues, warnings } = checkBundle(text, { forServer: true })
  if (bundle === null) throw refusal(issues)
  return { ...bundle, warnings }
}

/** One object per problem; where the API promises a text, that text, and the problems beside it. */
function refusal(issues: readonly ContractIssue[]): InvalidInput {
  const problems = issues.map((issue) => issueProblem(issue, 'yaml_content'))
  const text = promisedText(issues)
  return text === null
    ? new InvalidInput(problems, 'invalid_bundle')
    : new InvalidInput(text, 'invalid_bundle', { issues: problems })
}

function promisedText(issues: readonly ContractIssue[]): string | null {
  const [first] = issues
  if (first?.code === 'yaml_parse') return `Invalid YAML: ${first.message.replace(/^YAML parse error: /, '')}`
  if (first?.code === 'not_a_mapping') return 'Invalid YAML: expected a mapping at the top level'
  const isNameless = issues.some(({ code, path }) => code === 'schema' && /^metadata(\.name)?$/.test(path))
  return isNameless ? nameMissing.message : null
}

const nameMissing: ContractIssue = {
  code: 'schema',
  path: 'metadata.name',
  line: null,
  column: null,
  message: 'Missing required field: metadata.name',
}

/** Where published readers of rulesets differ, the strictest decides: else a bundle would be in force for some agents alone. */
function laxIssue(text: string, { path, offset, found, expected }: LaxWord): ContractIssue {
  const before = text.slice(0, offset).split('\n')
  return {
    code: 'ruleset_word',
    path,
    line: before.length,
    column: (before.at(-1)?.length ?? 0) + 1,
    message: `A Ruleset says '${expected}', not '${found}': the Python and Go SDKs refuse it and keep the contracts they have`,
    hint: `write '${expected}'`,
  }
}

/** Decision D9: the same engine judges both kinds, but stored bytes are never converted. */
const rulesetWarning: ContractIssue = {
  code: 'ruleset_kind',
  path: 'kind',
  line: null,
  column: null,
  message: "Agents with an SDK older than 0.17 reject a document of kind 'Ruleset' and keep the contracts they have.",
  hint: "Write it as kind 'ContractBundle' for as long as such agents are connected.",
}
