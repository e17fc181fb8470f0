import { Badge } from '../../ui/badge.tsx'
import { CopyButton } from '../../ui/copy.tsx'

export const State = ({ isInForce }: { isInForce: boolean }) =>
  isInForce ? <Badge tone="allow">in force</Badge> : <Badge>off</Badge>

export const NEWCOMERS = [
  { value: 'none', label: 'is refused' },
  { value: 'viewer', label: 'becomes a viewer' },
  { value: 'member', label: 'becomes a member' },
] as const

/** Addresses that a provider must know, each to be copied. */
export function ToRegister({ rows }: { rows: readonly (readonly [what: string, address: string])[] }) {
  return (
    <dl className="divide-y">
      {rows.map(([what, address]) => (
        <div key={what} className="flex items-center gap-2 px-4 py-3">
          <dt className="w-36 shrink-0 text-muted text-sm max-sm:w-20">{what}</dt>
          <dd className="flex min-w-0 flex-1 items-center gap-2">
            <code className="min-w-0 flex-1 select-all break-all font-mono text-sm">{address}</code>
            <CopyButton text={address} what={what.toLowerCase()} />
          </dd>
        </div>
      ))}
    </dl>
  )
}
