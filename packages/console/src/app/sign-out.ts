import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { type AnyRouter, useRouter } from '@tanstack/react-router'
import { useCallback } from 'react'
import { drafts } from '../ui/draft.ts'

const leaving = new Set<() => void>()

/** Runs `forget` whenever a person signs out, so that who comes next finds nothing of theirs. */
export const onSignOut = (forget: () => void): void => void leaving.add(forget)

/** Leads to the login, with the way back when `remember`; what was read as that person is forgotten. */
export function leadToLogin(router: AnyRouter, client: QueryClient, remember: boolean): void {
  const here = router.state.location
  if (!remember) {
    drafts.forgetAll()
    for (const forget of leaving) forget()
  }
  // A read that found the session ended may have led here before the person's own signing out did.
  if (here.pathname === '/setup' || (here.pathname === '/login' && remember)) return
  void router
    .navigate({ to: '/login', search: remember ? { next: here.href } : {}, replace: true })
    .then(() => client.clear())
}

export function useSignedOut(): (remember?: boolean) => void {
  const router = useRouter()
  const client = useQueryClient()
  return useCallback((remember = true) => leadToLogin(router, client, remember), [router, client])
}
