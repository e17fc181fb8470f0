import { useEffect, useState } from 'react'
import { type Issue, issueOfContract } from './issues.ts'

interface Checked {
  /** False until the first check is done; the loader comes in its own chunk. */
  readonly ready: boolean
  readonly issues: readonly Issue[]
}

/** Milliseconds of rest before a text is checked. */
const REST = 150

/** Checks a bundle while it is typed, with the loader the server uses, so that both say the same. */
export function useBrowserCheck(text: string): Checked {
  const [checked, setChecked] = useState<Checked>({ ready: false, issues: [] })
  useEffect(() => {
    let stale = false
    const timer = setTimeout(async () => {
      const { checkBundle } = await import('@lictor/contracts/authoring')
      if (stale) return
      const { issues, warnings } = checkBundle(text)
      setChecked({
        ready: true,
        issues: [...issues.map(issueOfContract('error')), ...warnings.map(issueOfContract('warning'))],
      })
    }, REST)
    return () => {
      stale = true
      clearTimeout(timer)
    }
  }, [text])
  return checked
}
