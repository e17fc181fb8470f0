import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { ShieldCheck } from 'lucide-react'
import { useListKeys } from '../../app/list-keys.ts'
import { Badge } from '../../ui/badge.tsx'
import { Sheet } from '../../ui/dialog.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { Empty } from '../../ui/states.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import type { Tone } from '../../ui/verdict.ts'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { type Incident, incidentQueries, MOST, type Violation } from './queries.ts'
import type { IncidentsSearch } from './route.ts'

/** What both kinds have in common, and what of them is shown beside it. */
interface Refused {
  readonly id: string
  readonly category: string
  readonly what: string
  readonly details: string
  readonly at: string
  readonly severity: string | null
  readonly facts: readonly (readonly [string, string | null])[]
}

const ofIncident = (one: Incident): Refused => ({
  id: one.id,
  category: one.category,
  what: one.tool_name ?? one.type,
  details: one.details,
  at: one.occurred_at,
  severity: one.severity,
  facts: [
    ['Tool', one.tool_name],
    ['Agent', one.agent_id],
    ['Execution', one.execution_id],
    ['SEAL session', one.session_id],
  ],
})

const ofViolation = (one: Violation): Refused => ({
  id: one.id,
  category: one.category,
  what: one.path ?? one.operation,
  details: one.details,
  at: one.occurred_at,
  severity: null,
  facts: [
    ['Path', one.path],
    ['Operation', one.operation],
    ['Volume', one.volume_id],
    ['Execution', one.execution_id],
  ],
})

const words = (category: string) => category.replaceAll('_', ' ')
const SEVERITIES: Readonly<Record<string, Tone>> = { critical: 'deny', high: 'deny', medium: 'ask' }

/** What was refused for the sake of security, newest first. */
export function IncidentsPage() {
  const { tab = 'security', category, volume, id } = useSearch({ from: '/inside/incidents' })
  const navigate = useNavigate({ from: '/incidents' })
  const set = (change: IncidentsSearch) => void navigate({ search: (now) => ({ ...now, ...change }) })
  const security = useQuery({ ...incidentQueries.security(), enabled: tab === 'security' })
  const storage = useQuery({ ...incidentQueries.storage(), enabled: tab === 'storage' })
  useListKeys(null, 'Incidents')
  const ofVolume = (one: Violation) => volume === undefined || one.volume_id === volume
  const list = tab === 'security' ? security.data?.map(ofIncident) : storage.data?.filter(ofVolume).map(ofViolation)
  const volumes = [...new Set(storage.data?.flatMap(({ volume_id }) => volume_id ?? []))]
  return (
    <Page title="Incidents" lead="Calls, signatures and file operations that were refused for the sake of security.">
      <Tabs
        label="Incidents"
        value={tab}
        onChange={(next) => void navigate({ search: next === 'storage' ? { tab: 'storage' } : {} })}
        tabs={[
          { value: 'security', label: 'Security' },
          { value: 'storage', label: 'Storage' },
        ]}
      >
        <div className="mb-3 flex flex-wrap gap-2">
          <FilterMenu
            label="Category"
            value={category}
            nameOf={words}
            onChange={(value) => set({ category: value })}
            options={[...new Set(list?.map((one) => one.category))].sort().map((value) => ({
              value,
              label: words(value),
              count: list?.filter((one) => one.category === value).length ?? 0,
            }))}
          />
          {tab === 'storage' && (
            <FilterMenu
              label="Volume"
              value={volume}
              onChange={(value) => set({ volume: value })}
              options={volumes.map((value) => ({
                value,
                label: value,
                count: storage.data?.filter(({ volume_id }) => volume_id === value).length ?? 0,
              }))}
            />
          )}
        </div>
        <TabPanel value="security">
          <Loaded query={security}>
            {(all) => (
              <Refusals
                all={all.map(ofIncident)}
                isWhole={all.length < MOST}
                category={category}
                onOpen={(next) => set({ id: next })}
              />
            )}
          </Loaded>
        </TabPanel>
        <TabPanel value="storage">
          <Loaded query={storage}>
            {(all) => (
              <Refusals
                all={all.filter(ofVolume).map(ofViolation)}
                isWhole={all.length < MOST}
                category={category}
                onOpen={(next) => set({ id: next })}
              />
            )}
          </Loaded>
        </TabPanel>
      </Tabs>
      <Opened id={id} list={list} onClose={() => set({ id: undefined })} />
    </Page>
  )
}

interface RefusalsProps {
  readonly all: readonly Refused[]
  /** There are no older ones. */
  readonly isWhole: boolean
  readonly category: string | undefined
  readonly onOpen: (id: string) => void
}

function Refusals({ all, isWhole, category, onOpen }: RefusalsProps) {
  const shown = all.filter((one) => !category || one.category === category)
  return (
    <>
      <Card className="overflow-hidden">
        {shown.length === 0 ? (
          <Empty icon={ShieldCheck} title={all.length === 0 ? 'Nothing was refused' : 'Nothing of this category'} />
        ) : (
          <ul aria-label="Incidents" className="divide-y">
            {shown.map((one) => (
              <li key={one.id} data-row>
                <button
                  type="button"
                  onClick={() => onOpen(one.id)}
                  className="grid w-full items-center gap-x-4 gap-y-0.5 px-4 py-2.5 text-left transition-colors hover:bg-hover focus-visible:-outline-offset-2 sm:grid-cols-[14rem_minmax(0,1fr)_6rem]"
                >
                  <span className="min-w-0">
                    <Badge tone={SEVERITIES[one.severity ?? 'high'] ?? 'neutral'}>
                      <span className="truncate">{words(one.category)}</span>
                    </Badge>
                  </span>
                  <span className="min-w-0">
                    <span className="block truncate font-mono text-sm">{visible(one.what)}</span>
                    <span className="block truncate text-muted text-xs">{visible(one.details)}</span>
                  </span>
                  <When at={one.at} className="text-muted text-xs" />
                </button>
              </li>
            ))}
          </ul>
        )}
      </Card>
      {!isWhole && <p className="mt-2 text-muted text-sm">Among the newest {MOST}.</p>}
    </>
  )
}

interface OpenedProps {
  readonly id: string | undefined
  readonly list: readonly Refused[] | undefined
  readonly onClose: () => void
}

function Opened({ id, list, onClose }: OpenedProps) {
  const one = list?.find((refused) => refused.id === id)
  const isGone = id !== undefined && list !== undefined && !one
  return (
    <Sheet
      open={one !== undefined || isGone}
      onOpenChange={(open) => open || onClose()}
      title={one ? words(one.category) : 'This incident is not among the newest'}
    >
      {one ? (
        <>
          <p className="mb-4 whitespace-pre-wrap break-words">{visible(one.details)}</p>
          <Facts
            className="px-0"
            facts={[
              ['When', <When key="when" at={one.at} />],
              ...(one.severity ? [['Severity', one.severity] as const] : []),
              ...one.facts.flatMap(([name, value]) =>
                value
                  ? [
                      [
                        name,
                        <code key={name} className="break-all font-mono text-xs">
                          {visible(value)}
                        </code>,
                      ] as const,
                    ]
                  : [],
              ),
            ]}
          />
        </>
      ) : (
        <p className="text-muted">It may be older than what is listed, or of the other kind.</p>
      )}
    </Sheet>
  )
}
