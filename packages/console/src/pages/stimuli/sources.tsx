import { useQuery } from '@tanstack/react-query'
import { Webhook } from 'lucide-react'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { CopyButton } from '../../ui/copy.tsx'
import { Entries, Entry, GraveButton } from '../../ui/entries.tsx'
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
            <Entries label="Sources">
              {shown.map((one) => (
                <Entry
                  key={one.source}
                  title={visible(one.source)}
                  whole={one.source}
                  badge={<Known source={one} />}
                  detail={<Detail source={one} />}
                >
                  <span className="flex flex-wrap items-center justify-end gap-1">
                    {one.source !== EVERY_OTHER && (
                      <CopyButton text={webhookAddress(one.source)} what={`address of ${one.source}`} />
                    )}
                    {mayWrite && (
                      <>
                        {one.source !== EVERY_OTHER && (
                          <Button
                            variant="quiet"
                            size="sm"
                            aria-label={`Send one of ${one.source}`}
                            onClick={() => onSend(one.source)}
                          >
                            Send one
                          </Button>
                        )}
                        <GraveButton label={`Remove ${one.source}`} onClick={() => askRemove(one.source)}>
                          Remove
                        </GraveButton>
                      </>
                    )}
                  </span>
                </Entry>
              ))}
            </Entries>
          )
        }}
      </Loaded>
      {dialog}
    </Card>
  )
}

/** Stands for every source that has no other way. */
const EVERY_OTHER = '*'

function Known({ source: { source, has_secret, signature } }: { source: Source }) {
  if (source === EVERY_OTHER) return <Badge>every other</Badge>
  if (!has_secret) return <Badge tone="ask">no secret here</Badge>
  return <Badge>{signature === 'stripe' ? 'signed as by Stripe' : 'signed'}</Badge>
}

function Detail({ source: { source, workflow, router_agent, created_by, updated_at } }: { source: Source }) {
  return (
    <>
      {workflow ? `begins ${visible(workflow)}` : `${visible(router_agent ?? '')} chooses what it begins`}; by{' '}
      {visible(created_by)}, <When at={updated_at} />
      {source !== EVERY_OTHER && <code className="block font-mono text-faint">{webhookAddress(source)}</code>}
    </>
  )
}
