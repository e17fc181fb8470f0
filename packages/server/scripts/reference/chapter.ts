/** What the reference tells of an operation beyond what its route declares. */
export interface OperationNotes {
  /** Effects, limits and what is worth knowing, as sentences. */
  readonly notes?: string
  /** Events that it puts on the streams, or domain events of an execution. */
  readonly emits?: readonly string[]
  /** Media type of a body that the route takes as it comes, and what it holds. */
  readonly body?: { readonly type: string; readonly schema: object }
  /** Headers it reads beside the credentials. */
  readonly headers?: readonly { readonly name: string; readonly description: string; readonly required?: boolean }[]
  /** Headers of its successful answer. */
  readonly answers?: Readonly<Record<string, string>>
}

/** Everything under one tag. */
export interface Chapter {
  readonly tag: string
  readonly description: string
  /** What a field or parameter means where its schema does not say it: by name, or by the end of its path (`rollout.agents`). */
  readonly fields: Readonly<Record<string, string>>
  /** By `METHOD /path` as the route declares it. */
  readonly operations: Readonly<Record<string, OperationNotes>>
}
