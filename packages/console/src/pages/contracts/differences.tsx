import { useQuery, useQueryClient } from '@tanstack/react-query'
import { ChevronRight } from 'lucide-react'
import { Suspense } from 'react'
import { Badge } from '../../ui/badge.tsx'
import { lazily } from '../../ui/lazy.tsx'
import { plural } from '../../ui/plural.ts'
import { Failure, SkeletonRows } from '../../ui/states.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import type { Tone } from '../../ui/verdict.ts'
import { visible } from '../../ui/visible.ts'
import { bundleQueries } from './queries.ts'
import type { Difference } from './reading.ts'
import { readingQueries } from './reading-queries.ts'

const TextDifference = lazily(() => import('./text-difference.tsx').then((file) => file.default))

export type DifferenceView = 'contracts' | 'text'

interface DifferencesProps {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly view: DifferenceView
  readonly onView: (view: DifferenceView) => void
}

/** What two versions of a bundle decide otherwise, contract by contract, or line by line. */
export function Differences({ name, from, to, view, onView }: DifferencesProps) {
  return (
    <Tabs
      label="Differences"
      value={view}
      onChange={onView}
      tabs={[
        { value: 'contracts', label: 'By contract' },
        { value: 'text', label: 'By text' },
      ]}
    >
      <TabPanel value="contracts">
        <ByContract name={name} from={from} to={to} />
      </TabPanel>
      <TabPanel value="text">
        <ByText name={name} from={from} to={to} />
      </TabPanel>
    </Tabs>
  )
}

type Versions = Pick<DifferencesProps, 'name' | 'from' | 'to'>

function ByText({ name, from, to }: Versions) {
  const before = useQuery(bundleQueries.yaml(name, from))
  const after = useQuery(bundleQueries.yaml(name, to))
  const error = before.error ?? after.error
  if (error) return <Failure error={error} />
  return (
    <div className="h-[min(32rem,70vh)] overflow-hidden rounded-md border">
      {before.data === undefined || after.data === undefined ? (
        <SkeletonRows rows={6} />
      ) : before.data === after.data ? (
        <p className="p-4 text-muted text-sm">The text is the same.</p>
      ) : (
        <Suspense fallback={<SkeletonRows rows={6} />}>
          <TextDifference before={before.data} after={after.data} names={[`version ${from}`, `version ${to}`]} />
        </Suspense>
      )}
    </div>
  )
}

type Change = Difference['changes'][number]

const KINDS: Readonly<Record<Change['kind'], string>> = { added: 'added', removed: 'removed', changed: 'changed' }
const EFFECTS: Readonly<Record<Change['effect']['change'], { tone: Tone; label: string }>> = {
  tightened: { tone: 'deny', label: 'tighter' },
  loosened: { tone: 'ask', label: 'looser' },
  other: { tone: 'neutral', label: 'other' },
}

function ByContract({ name, from, to }: Versions) {
  const client = useQueryClient()
  const difference = useQuery(readingQueries.difference(client, name, from, to))
  if (difference.isPending) return <SkeletonRows rows={3} />
  if (difference.isError) return <Failure error={difference.error} retry={() => void difference.refetch()} />
  const { changes, unchanged, tools } = difference.data
  return (
    <>
      {changes.length + tools.length === 0 ? (
        <p className="rounded-md border bg-sunken p-4 text-muted text-sm">
          Every contract is the same: what was changed decides nothing.
        </p>
      ) : (
        <ul className="divide-y rounded-md border">
          {changes.map((change) => (
            <ContractChange key={`${change.kind} ${change.id}`} change={change} />
          ))}
          {tools.map((tool) => (
            <li key={tool} className="px-3 py-2 text-sm">
              Tool <code className="break-all font-mono">{tool}</code> is classified otherwise.
            </li>
          ))}
        </ul>
      )}
      {unchanged.length > 0 && (
        <p className="mt-2 text-muted text-xs">{plural(unchanged.length, 'contract')} unchanged.</p>
      )}
    </>
  )
}

function ContractChange({ change: { id, type, kind, effect } }: { change: Change }) {
  const { tone, label } = EFFECTS[effect.change]
  return (
    <li className="px-3 py-2 text-sm">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <span className="min-w-0 break-all font-medium font-mono">{id}</span>
        <span className="text-muted text-xs">
          {type}, {KINDS[kind]}
        </span>
        <Badge tone={tone} className="ml-auto">
          {label}
        </Badge>
      </div>
      {effect.examples.length === 0 ? (
        <p className="mt-1 text-muted text-xs">No call was found that ends otherwise.</p>
      ) : (
        <ul className="mt-1 flex flex-col gap-1">
          {effect.examples.map((example, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the examples of a change never move
            <li key={index} className="flex flex-wrap items-baseline gap-x-2 text-xs">
              <code className="min-w-0 [overflow-wrap:anywhere] font-mono text-muted">
                {visible(`${example.probe.tool} ${JSON.stringify(example.probe.args)}`)}
              </code>
              <span className="inline-flex items-center gap-1 whitespace-nowrap">
                {example.before.verdict}
                <ChevronRight className="size-3 text-faint" aria-label="becomes" />
                <strong className="font-medium">{example.after.verdict}</strong>
              </span>
            </li>
          ))}
        </ul>
      )}
    </li>
  )
}
