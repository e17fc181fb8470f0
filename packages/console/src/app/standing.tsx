import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { CircleSlash } from 'lucide-react'
import { session } from './session.ts'

/** Says that the tenant is suspended, and what that means: each page would only say that it could not be loaded. */
export function Standing() {
  const tenants = useQuery(session.tenants()).data
  const here = tenants?.find(({ current }) => current)
  const isStopped = here !== undefined && here.status !== 'active'
  return (
    <div role="alert" className="shrink-0">
      {isStopped && (
        <p className="flex flex-wrap items-center gap-x-2 border-deny/40 border-b bg-deny-soft px-4 py-2 text-sm">
          <CircleSlash className="size-4 shrink-0 text-deny" aria-hidden />
          <strong className="font-semibold">
            The tenant {here.name} is {here.status}.
          </strong>
          <span>Agents are refused and nothing runs; nothing is lost. Ask who looks after this installation.</span>
          {tenants && tenants.length > 1 && (
            <Link to="/account" className="underline underline-offset-2">
              Go on in another tenant
            </Link>
          )}
        </p>
      )}
    </div>
  )
}
