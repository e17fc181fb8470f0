import { messageOf } from '../ui/states.tsx'
import { useToasts } from '../ui/toasts.tsx'
import { signOut } from './session.ts'
import { useSignedOut } from './sign-out.ts'

export function useLogout(): () => void {
  const signedOut = useSignedOut()
  const toasts = useToasts()
  return () =>
    void signOut().then(
      () => signedOut(false),
      (error: unknown) => toasts.failed('You are still signed in', messageOf(error)),
    )
}
