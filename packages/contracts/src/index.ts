/** Load bundles and decide: all that an agent needs. What helps people write bundles is in `@lictor/contracts/authoring`. */

export { DEFAULT_TIMEOUT, MAX_ALIASES, MAX_BUNDLE_BYTES, MAX_MESSAGE } from './bounds.ts'
export {
  type Composition,
  type CompositionReport,
  composeBundles,
  type Layer,
  type ObservedContract,
  type OverriddenContract,
  policyVersion,
} from './compose/layers.ts'
export type {
  CompiledContract,
  CompiledGate,
  CompiledPost,
  CompiledSession,
} from './contracts/compiled.ts'
export {
  type DryRunBatchCall,
  type DryRunCall,
  type DryRunContract,
  type DryRunResult,
  dryRun,
  dryRunBatch,
} from './decide/dry-run.ts'
export { checkAttemptLimit } from './decide/limits.ts'
export { decidePost, decidePostAsync } from './decide/post.ts'
export { decidePre, decidePreAsync } from './decide/pre.ts'
export type * from './document.ts'
export { classifyBash } from './envelope/bash.ts'
export { assertToolName, createEnvelope, type EnvelopeOptions } from './envelope/create.ts'
export { createPrincipal, type PrincipalInput } from './envelope/principal.ts'
export { type ToolClass, ToolRegistry, type ToolSettings } from './envelope/registry.ts'
export { configError, EdictumConfigError } from './errors.ts'
export { responseText } from './expressions/response.ts'
export type { CustomSelectors } from './expressions/selectors.ts'
export {
  buildFindings,
  classifyFinding,
  type Finding,
  type FindingType,
  type PostCallResult,
} from './findings/findings.ts'
export { sha256Hex } from './hash.ts'
export { marksOfPast, NO_PAST, type PastInput, pastOfMarks } from './history/history.ts'
export { type LoadOptions, loadBundle, loadDocument } from './load/index.ts'
export { readYaml } from './load/yaml/read.ts'
export { compileGlob, globMatches } from './match/glob.ts'
export { cutText } from './messages/cut.ts'
export type { CustomOperators } from './operators/custom.ts'
export { type ChunkJudge, judgeChunks, marksBeforeReading } from './output/chunks.ts'
export { judgedText, Unjudgeable } from './output/text.ts'
export { type CompileOptions, compilePolicy } from './policy/compile.ts'
export { createLimits, DEFAULT_LIMITS, type LimitsInput } from './policy/limits.ts'
export { loadPolicy } from './policy/load.ts'
export { Policy } from './policy/policy.ts'
export type { Postcondition, Precondition, ProgrammaticContract, SessionContract } from './programmatic/contracts.ts'
export { denySensitiveReads, type SensitiveReadOptions } from './programmatic/deny-sensitive-reads.ts'
export { Verdict } from './programmatic/verdict.ts'
export { looksLikeSecret, REDACTED, redactText } from './redact/patterns.ts'
export { type RedactionOptions, RedactionPolicy, redactArgs } from './redact/policy.ts'
export { compilePattern, type Pattern, PatternLimitError, PatternSyntaxError } from './regex/index.ts'
export type * from './types.ts'
export {
  dryRunToWire,
  findingToWire,
  type PrincipalWire,
  principalToWire,
  type RecordWire,
  recordToWire,
} from './wire/wire.ts'
