import { useSyncExternalStore } from 'react'

/** `system` follows the device, and changes with it. */
export type Theme = 'system' | 'light' | 'dark'
export const THEMES: readonly Theme[] = ['system', 'light', 'dark']

const KEY = 'lictor.theme'
const listeners = new Set<() => void>()
const device = window.matchMedia('(prefers-color-scheme: dark)')

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY)
    return value === 'light' || value === 'dark' ? value : 'system'
  } catch {
    return 'system'
  }
}

let theme = stored()

function apply(): void {
  const dark = theme === 'dark' || (theme === 'system' && device.matches)
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
  for (const notify of listeners) notify()
}

device.addEventListener('change', apply)

export function setTheme(next: Theme): void {
  theme = next
  try {
    if (next === 'system') localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, next)
  } catch {
    // Storage may be forbidden; the choice then lasts for this tab.
  }
  apply()
}

export const useTheme = (): Theme =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    () => theme,
  )
