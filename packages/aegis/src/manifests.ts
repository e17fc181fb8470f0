/** Manifests alone, for the editors of the console: no client, and nothing that a browser has not. */
export { ManifestError } from './manifest/errors.ts'
export { AgentManifest } from './manifest/manifest.ts'
export type { Issue } from './shape/shape.ts'
export { WorkflowManifest } from './workflow/manifest.ts'
