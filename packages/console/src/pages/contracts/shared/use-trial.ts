import { useEffect, useState } from 'react'
import type { Call } from './call.ts'
import type { Trial } from './trial.ts'

/** Milliseconds of rest before a call is tried. */
const REST = 150

/** Tries the call by the text as they stand, a moment after the last change; null until it was done, and without a call. */
export function useTrial(yaml: string | undefined, call: Call | null): Trial | null {
  const [trial, setTrial] = useState<Trial | null>(null)
  useEffect(() => {
    if (yaml === undefined || call === null) {
      setTrial(null)
      return
    }
    let stale = false
    const timer = setTimeout(() => {
      import('./trial.ts').then(
        ({ tryCall }) => !stale && setTrial(tryCall(yaml, call)),
        () => !stale && setTrial({ kind: 'refused', message: 'What judges calls could not be loaded. Try again.' }),
      )
    }, REST)
    return () => {
      stale = true
      clearTimeout(timer)
    }
  }, [yaml, call])
  return trial
}
