/** What journals, event streams and approvals are about. Each kind gives its ids out itself. */
export type SubjectKind = 'agent' | 'execution' | 'workflow' | 'swarm' | 'call' | 'tenant'

export interface Subject {
  readonly kind: SubjectKind
  readonly id: string
}
