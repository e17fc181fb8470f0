import { type RefObject, useEffect } from 'react'

/** Milliseconds in which whatever took the focus away may give it back: a dialog that closes does. */
const TURN = 30

/**
 * What has the focus may go away: a button that did its work, a row that somebody else took out of the list. The focus then
 * goes to the nearest of what it was in, or to the page, and never falls to the document, where a keyboard begins anew.
 */
export function useKeptFocus(main: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    /** What has the focus, or had it last, and all that it is in, from the inside. */
    let path: readonly HTMLElement[] = []
    let timer: ReturnType<typeof setTimeout> | undefined
    const onFocus = ({ target }: FocusEvent) => {
      path = target instanceof HTMLElement ? pathOf(target) : []
    }
    const isLost = () => document.activeElement === document.body && path[0]?.isConnected === false
    const keep = () => {
      if (!isLost()) return
      const nearest = path.find((one) => one.isConnected && one.hasAttribute('tabindex')) ?? main.current
      nearest?.focus({ preventScroll: true })
    }
    const observer = new MutationObserver(() => {
      if (!isLost()) return
      clearTimeout(timer)
      timer = setTimeout(keep, TURN)
    })
    document.addEventListener('focusin', onFocus)
    observer.observe(document.body, { childList: true, subtree: true })
    return () => {
      document.removeEventListener('focusin', onFocus)
      observer.disconnect()
      clearTimeout(timer)
    }
  }, [main])
}

function pathOf(element: HTMLElement): readonly HTMLElement[] {
  const path: HTMLElement[] = []
  for (let one: HTMLElement | null = element; one; one = one.parentElement) path.push(one)
  return path
}
