import { useQuery } from '@tanstack/react-query'
import { CatchBoundary } from '@tanstack/react-router'
import { ChevronsUpDown } from 'lucide-react'
import { type ComponentProps, Suspense, useState } from 'react'
import { cn } from '../ui/cn.ts'
import { lazily } from '../ui/lazy.tsx'
import { useToasts } from '../ui/toasts.tsx'
import { wordsOf } from './problem.tsx'
import { session } from './session.ts'

/** The menu itself is large and seldom opened, so its code comes when it is. */
export const AccountDropdown = lazily(() => import('./account-dropdown.tsx').then((file) => file.AccountDropdown))

/** Who is signed in; opens the theme and signing out. */
export function AccountMenu() {
  const [isWanted, setWanted] = useState(false)
  const toasts = useToasts()
  const closed = (
    <AccountButton
      aria-haspopup="menu"
      aria-expanded={false}
      onClick={() => setWanted(true)}
      onKeyDown={(event) => event.key === 'ArrowDown' && setWanted(true)}
    />
  )
  return (
    <CatchBoundary
      getResetKey={() => String(isWanted)}
      onCatch={(error) => {
        setWanted(false)
        toasts.failed('This could not be opened', wordsOf(error), 'overlay')
      }}
      errorComponent={() => closed}
    >
      {isWanted ? (
        <Suspense fallback={closed}>
          <AccountDropdown />
        </Suspense>
      ) : (
        closed
      )}
    </CatchBoundary>
  )
}

export function AccountButton({ className, ...rest }: ComponentProps<'button'>) {
  const email = useQuery(session.me()).data?.email
  return (
    <button
      type="button"
      className={cn(
        'flex h-9 items-center gap-2 rounded-md px-2 text-left text-sm transition-colors hover:bg-hover data-[state=open]:bg-hover',
        className,
      )}
      {...rest}
    >
      <span
        aria-hidden
        className="grid size-5 shrink-0 place-items-center rounded-full bg-accent-soft font-semibold text-2xs text-accent uppercase"
      >
        {email?.[0] ?? ''}
      </span>
      <span className="min-w-0 flex-1 truncate">{email ?? ' '}</span>
      <ChevronsUpDown className="size-3.5 text-faint" aria-hidden />
    </button>
  )
}
