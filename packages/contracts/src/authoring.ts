/** Write bundles: check and lint, explain, convert, assemble, start from a template, know the operators. */

export { MAX_EXPRESSION_DEPTH, MAX_PLACEHOLDER } from './bounds.ts'
export { type BundleDifference, type ContractChange, compareBundles } from './compare/bundles.ts'
export type { Effect as ContractEffect, Example as EffectExample, Judgement } from './compare/compare.ts'
export {
  type Assembly,
  type AssemblyItem,
  assembleBundle,
  checkContract,
  type LibraryContract,
} from './compose/assemble.ts'
export { emitYaml } from './compose/emit.ts'
export { convertDocument, type DocumentKind } from './convert/index.ts'
export { type LaxWord, laxWords, offerRuleset } from './convert/offer.ts'
export { type ExplainedContract, type ExplainedNode, type Explanation, explain } from './explain/explain.ts'
export { decideRecorded } from './history/recorded.ts'
export { type CheckedBundle, checkBundle } from './lint/check.ts'
export { type Reader, type ReaderIssue, readerIssues } from './lint/readers.ts'
export type { Example, Operator, Samples } from './operators/operator.ts'
export { OPERATOR_NAMES, OPERATORS, operatorOf } from './operators/operators.ts'
export { analysePattern, type PatternAnalysis } from './regex/analyse.ts'
export { samplePattern } from './regex/sample.ts'
export { bundleJsonSchema, type JsonSchema } from './schema/index.ts'
export { SELECTORS, type Selector } from './schema/selectors.ts'
export { loadTemplate, templateNames, templates } from './templates/templates.ts'
