import { useEffect, useState } from 'react'

/** Milliseconds a list must have stood still before what is in it may be pressed. */
const REST = 700

/** False shortly after `key` changed: a row that just slid under the pointer must not take the press meant for another. */
export function useSteady(key: string): boolean {
  const [settled, setSettled] = useState(key)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(key), REST)
    return () => clearTimeout(timer)
  }, [key])
  return settled === key
}
