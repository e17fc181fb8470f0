import { useQuery } from '@tanstack/react-query'
import { Webhook } from 'lucide-react'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { CopyButton } from '../../ui/copy.tsx'
import { GraveButton } from '../../ui/entries.tsx'
import { FilterField } from '../../ui/filter-field.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, CardHeading } from '../../ui/page.tsx'
import { Empty } from '../../ui/states.tsx'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { removeSource, type Source, stimulusQueries, webhookAddress } from './queries.ts'

interface SourcesProps {
  readonly q: string | undefined
  readonly onFilter: (q: string | undefined) => void
  readonly mayWrite: boolean
  readonly onRegister: () => void
  readonly onSend: (source: string) => void
}

/** Where stimuli may come from, and what they begin. */
export function Sources({ q, onFilter, mayWrite, onRegister, onSend }: SourcesProps) {
  const sources = useQuery(stimulusQueries.sources())
  const { ask, dialog } = useConfirmedAct()
  const askRemove = (source: string) =>
    ask({
      title: `Remove ${source}?`,
      description: 'Its webhooks are refused from now on, and its secret is gone. What runs goes on.',
      action: 'Remove source',
      typed: source,
      run: () => removeSource(source),
      done: `${source} was removed`,
      failed: 'It was not removed.',
      stale: [['stimulus-sources']],
    })
  return (
    <Card className="overflow-hidden">
      <CardHeading aside={<FilterField label="Filter by name" value={q} onChange={onFilter} />}>Sources</CardHeading>
      <Loaded query={sources}>
        {(list) => {
          if (list.length === 0)
            return (
              <Empty
                icon={Webhook}
                title="No source is registered"
                command="npx lictor stimulus source add shop --workflow NAME --generate"
                {...(mayWrite ? { action: <Button onClick={onRegister}>Register a source</Button> } : {})}
              >
                A source is an address for another system, the secret that it signs with, and the workflow that its
                webhooks begin.
              </Empty>
            )
          const shown = list.filter(({ source }) => !q || source.includes(q.toLowerCase()))
          return shown.length === 0 ? (
            <Empty icon={Webhook} title="No source matches" />
          ) : (
            <ul aria-label="Sources" className="divide-y">
              {shown.map((one) => (
                <Row
                  key={one.source}
                  source={one}
                  mayWrite={mayWrite}
                  onSend={() => onSend(one.source)}
                  onRemove={() => askRemove(one.source)}
                />
              ))}
            </ul>
          )
        }}
      </Loaded>
      {dialog}
    </Card>
  )
}

/** Stands for every source that has no other way. */
const EVERY_OTHER = '*'

interface RowProps {
  readonly source: Source
  readonly mayWrite: boolean
  readonly onSend: () => void
  readonly onRemove: () => void
}

function Row({ source: one, mayWrite, onSend, onRemove }: RowProps) {
  const { source, workflow, router_agent, created_by, updated_at } = one
  const address = source === EVERY_OTHER ? null : webhookAddress(source)
  return (
    <li data-row className="flex flex-wrap items-center gap-x-4 gap-y-1.5 px-4 py-2.5">
      <div className="min-w-0 flex-1 basis-64">
        <p className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
          <span className="min-w-0 truncate font-medium" title={source}>
            {visible(source)}
          </span>
          <Known source={one} />
        </p>
        <p className="break-words text-muted text-xs">
          {workflow ? `begins ${visible(workflow)}` : `${visible(router_agent ?? '')} chooses what it begins`}; by{' '}
          {visible(created_by)}, <When at={updated_at} />
        </p>
        {address && (
          <p className="flex min-w-0 items-center gap-1">
            <code className="min-w-0 break-all font-mono text-muted text-xs">{address}</code>
            <CopyButton text={address} what={`address of ${source}`} />
          </p>
        )}
      </div>
      {mayWrite && (
        <span className="flex gap-2">
          {address && (
            <Button size="sm" aria-label={`Send one of ${source}`} onClick={onSend}>
              Send one
            </Button>
          )}
          <GraveButton label={`Remove ${source}`} onClick={onRemove}>
            Remove
          </GraveButton>
        </span>
      )}
    </li>
  )
}

function Known({ source: { source, has_secret, signature } }: { source: Source }) {
  if (source === EVERY_OTHER) return <Badge>every other</Badge>
  if (!has_secret) return <Badge tone="ask">no secret here</Badge>
  return <Badge>{signature === 'stripe' ? 'signed as by Stripe' : 'signed'}</Badge>
}
