export {
  type Assembly,
  type AssemblyItem,
  assembleBundle,
  checkContract,
  type LibraryContract,
} from './assemble.ts'
export {
  type Composition,
  type CompositionReport,
  composeBundles,
  type Layer,
  type ObservedContract,
  type OverriddenContract,
  policyVersion,
} from './layers.ts'
