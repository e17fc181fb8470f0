import type { WorkflowManifestDocument } from '@lictor/aegis'
import type { Micros } from '../../storage/instants.ts'
import type { Visibility } from '../visibility.ts'

/** A registered workflow, by the version that was registered last. */
export interface Workflow {
  readonly id: string
  /** The tenant, or `aegis-system` for a workflow every tenant sees. */
  readonly tenantId: string
  readonly name: string
  readonly version: string
  readonly scope: Visibility
  /** As it was understood; agents that were named stand with their ids. */
  readonly manifest: WorkflowManifestDocument
  /** As it was sent, comments and all, where it was sent as YAML. */
  readonly manifestYaml: string
  readonly createdAt: Micros
  readonly updatedAt: Micros
}

export interface WorkflowVersion {
  readonly id: string
  readonly workflowId: string
  readonly version: string
  readonly manifest: WorkflowManifestDocument
  readonly manifestYaml: string
  readonly registeredAt: Micros
}

/** Which workflows a list shows. */
export interface WorkflowFilter {
  /** `tenant`: the tenant's own, `global`: those every tenant sees, `visible`: both. */
  readonly of: Visibility | 'visible'
  readonly limit: number | null
}
