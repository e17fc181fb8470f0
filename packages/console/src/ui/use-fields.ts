import { useCallback, useEffect, useState } from 'react'
import { drafts } from './draft.ts'

type Fields = Readonly<Record<string, string>>

/** What was kept of a form, as far as it has these fields. */
export function keptFields<F extends Fields>(text: string | null, initial: F): F {
  try {
    const kept = (JSON.parse(text ?? 'null') ?? {}) as { readonly [name: string]: unknown }
    const known = Object.entries(kept).filter(([name, value]) => name in initial && typeof value === 'string')
    return { ...initial, ...(Object.fromEntries(known) as Partial<F>) }
  } catch {
    return initial
  }
}

interface Form<F> {
  readonly fields: F
  readonly change: (change: Partial<F>) => void
  /** It was sent, or given up: it begins anew. */
  readonly forget: () => void
}

/** The fields of a form, kept for this tab as they are written: see `draft.ts`. Never for passwords and keys. */
export function useFields<F extends Fields>(name: string, initial: F): Form<F> {
  const [begun] = useState(initial)
  const [fields, setFields] = useState(() => keptFields(drafts.read(name), initial))
  useEffect(() => drafts.write(name, fields === begun ? null : JSON.stringify(fields)), [name, fields, begun])
  const change = useCallback((part: Partial<F>) => setFields((now) => ({ ...now, ...part })), [])
  const forget = useCallback(() => {
    // At once: what was sent takes the form away with it.
    drafts.write(name, null)
    setFields(begun)
  }, [name, begun])
  return { fields, change, forget }
}
