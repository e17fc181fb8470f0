import { useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { useCallback } from 'react'

/** Leads to the login, remembering where one was; what was read as that person is forgotten. */
export function useSignedOut(): (remember?: boolean) => void {
  const router = useRouter()
  const client = useQueryClient()
  return useCallback(
    (remember = true) => {
      const here = router.state.location
      if (here.pathname === '/login') return
      void router
        .navigate({ to: '/login', search: remember ? { next: here.href } : {}, replace: true })
        .then(() => client.clear())
    },
    [router, client],
  )
}
