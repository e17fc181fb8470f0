import { useEffect, useState } from 'react'

/** Milliseconds within which a second tap belongs to the first, whatever lies below the finger by then. */
const TAP = 400

/** False in the first moment after the component appeared: what lands on it then was meant for what was there before. */
export function useSettled(): boolean {
  const [isSettled, setSettled] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(true), TAP)
    return () => clearTimeout(timer)
  }, [])
  return isSettled
}
