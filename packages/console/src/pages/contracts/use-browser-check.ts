import type { Issue } from './issues.ts'
export function useBrowserCheck(_text: string): { ready: boolean; issues: readonly Issue[] } {
  return { ready: false, issues: NONE }
}
const NONE: readonly Issue[] = []
