/** Prove an implementation of the language by the cases in `conformance/`. */

export { type ConformanceReport, type ConformanceResult, type FixtureFile, runConformance } from './run.ts'
