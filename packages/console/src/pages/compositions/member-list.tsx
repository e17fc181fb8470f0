import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ArrowDown, ArrowUp, X } from 'lucide-react'
import { useRef } from 'react'
import { useListKeys } from '../../app/list-keys.ts'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { cn } from '../../ui/cn.ts'
import { SelectField } from '../../ui/select-field.tsx'
import { messageOf } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { libraryQueries } from '../library/queries.ts'
import { type Member, moved } from './members.ts'
import { type Composition, type Mode, promote } from './queries.ts'

/** As many as the server takes. */
const MOST = 100

interface MembersProps {
  readonly composition: Composition
  readonly members: readonly Member[]
  /** Null: they may not be changed. */
  readonly onChange: ((members: readonly Member[]) => void) | null
}

/** The contracts in the order in which they stand in the bundle; each moved, switched off, or taken out. */
export function Members({ composition, members, onChange }: MembersProps) {
  const within = useRef<HTMLDivElement>(null)
  useListKeys(within, 'Composition')
  const library = useQuery(libraryQueries.all())
  const left = library.data?.filter(({ contract_id }) => members.every(({ id }) => id !== contract_id)) ?? []
  const put = (id: string, change: Partial<Member>) =>
    onChange?.(members.map((one) => (one.id === id ? { ...one, ...change } : one)))
  return (
    <div ref={within}>
      {members.length === 0 ? (
        <p className="px-4 py-6 text-center text-muted text-sm">
          {library.data?.length === 0 ? (
            <>
              The library has no contract yet.{' '}
              <Link to="/library" className="underline underline-offset-2">
                Write or import some
              </Link>
              .
            </>
          ) : (
            'No contract yet.'
          )}
        </p>
      ) : (
        <ol aria-label="Contracts, in their order" className="divide-y">
          {members.map((member, index) => (
            <Row
              key={member.id}
              member={member}
              item={composition.contracts.find(({ contract_id }) => contract_id === member.id)}
              composition={composition.name}
              isFirst={index === 0}
              isLast={index === members.length - 1}
              onPut={onChange ? (change) => put(member.id, change) : null}
              onMove={(by) => onChange?.(moved(members, member.id, by))}
              onRemove={() => onChange?.(members.filter((one) => one !== member))}
            />
          ))}
        </ol>
      )}
      {onChange && left.length > 0 && members.length < MOST && (
        <div className="border-t p-3">
          <SelectField
            label="Add a contract"
            quiet
            value=""
            options={[
              { value: '', label: 'Add a contract…' },
              ...left.map(({ contract_id, name, type }) => ({
                value: contract_id,
                label: `${name} · ${contract_id} · ${type}`,
              })),
            ]}
            onChange={(id) => id && onChange([...members, { id, mode: null, enabled: true }])}
          />
        </div>
      )}
    </div>
  )
}

interface RowProps {
  readonly member: Member
  /** Absent: it was added and is not kept yet. */
  readonly item: Composition['contracts'][number] | undefined
  readonly composition: string
  readonly isFirst: boolean
  readonly isLast: boolean
  readonly onPut: ((change: Partial<Member>) => void) | null
  readonly onMove: (by: 1 | -1) => void
  readonly onRemove: () => void
}

function Row({ member, item, composition, isFirst, isLast, onPut, onMove, onRemove }: RowProps) {
  const { id } = member
  return (
    <li
      data-row
      className={cn('flex flex-wrap items-center gap-x-3 gap-y-1.5 px-4 py-2', !member.enabled && 'bg-sunken')}
    >
      <span className="min-w-0 flex-1 basis-32">
        <Link
          to="/library/$id"
          params={{ id }}
          search={item ? { version: item.contract_version } : {}}
          className={cn('block truncate font-mono text-sm hover:underline', !member.enabled && 'text-muted')}
        >
          {id}
        </Link>
        <span className="flex flex-wrap items-center gap-x-2 text-muted text-xs">
          {item ? (
            <>
              {item.contract_type} · v{item.contract_version}
              {item.has_newer_version && <Badge tone="ask">newer version</Badge>}
            </>
          ) : (
            'newest version, once saved'
          )}
          {!member.enabled && <Badge>left out</Badge>}
          {!onPut && member.mode && (
            <Badge tone={member.mode === 'observe' ? 'observe' : 'neutral'}>{member.mode}</Badge>
          )}
        </span>
      </span>
      {onPut && (
        <span className="flex flex-wrap items-center gap-1.5">
          <SelectField<Mode | ''>
            label={`Mode of ${id}`}
            quiet
            value={member.mode ?? ''}
            options={[
              { value: '', label: 'as it is' },
              { value: 'enforce', label: 'enforce' },
              { value: 'observe', label: 'observe' },
            ]}
            onChange={(mode) => onPut({ mode: mode === '' ? null : mode })}
            className="h-8 w-26 text-sm max-sm:h-10"
          />
          <label className="flex h-8 items-center gap-1.5 px-1 text-sm max-sm:h-10">
            <input
              type="checkbox"
              checked={member.enabled}
              aria-label={`${id} is in force`}
              onChange={(event) => onPut({ enabled: event.target.checked })}
              className="size-4 accent-(--accent)"
            />
            in
          </label>
          <Button
            variant="quiet"
            size="icon"
            aria-label={`Move ${id} up`}
            disabled={isFirst}
            onClick={() => onMove(-1)}
          >
            <ArrowUp aria-hidden />
          </Button>
          <Button
            variant="quiet"
            size="icon"
            aria-label={`Move ${id} down`}
            disabled={isLast}
            onClick={() => onMove(1)}
          >
            <ArrowDown aria-hidden />
          </Button>
          <Button variant="quiet" size="icon" aria-label={`Take ${id} out`} onClick={onRemove}>
            <X aria-hidden />
          </Button>
        </span>
      )}
      {item?.observed_version != null && (
        <Observed composition={composition} id={id} version={item.observed_version} mayPromote={onPut !== null} />
      )}
    </li>
  )
}

interface ObservedProps {
  readonly composition: string
  readonly id: string
  readonly version: number
  readonly mayPromote: boolean
}

/** A newer version that is only observed, until somebody puts it into force. */
function Observed({ composition, id, version, mayPromote }: ObservedProps) {
  const client = useQueryClient()
  const toasts = useToasts()
  const promoting = useMutation({
    mutationFn: () => promote(composition, id),
    onSuccess: () => toasts.done(`${id} v${version} is in force`),
    onError: (error) => toasts.failed('It is only observed still', messageOf(error)),
    onSettled: () =>
      Promise.all(
        ['compositions', 'bundles', 'deployments'].map((key) => client.invalidateQueries({ queryKey: [key] })),
      ),
  })
  return (
    <span className="flex basis-full flex-wrap items-center gap-2 text-observe text-xs">
      v{version} is only observed
      {mayPromote && (
        <Button size="sm" busy={promoting.isPending} onClick={() => promoting.mutate()}>
          Put v{version} into force
        </Button>
      )}
    </span>
  )
}
