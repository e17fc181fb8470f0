import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Check } from 'lucide-react'
import { cn } from '../../ui/cn.ts'
import { Card } from '../../ui/page.tsx'
import { bundleQueries } from '../contracts/queries.ts'
import { eventQueries } from '../events/queries.ts'
import { keyQueries } from '../keys/queries.ts'

/** The way from an empty server to a governed call; gone once the first event is in. */
export function FirstSteps() {
  const events = useQuery({ ...eventQueries.list({ limit: 15 }), select: (list) => list.length > 0 }).data
  const keys = useQuery(keyQueries.all()).data
  const bundles = useQuery(bundleQueries.all()).data
  if (events !== false || !keys || !bundles) return null
  const deployed = bundles.some((bundle) => bundle.deployed_envs.length > 0)
  const first = bundles[0]
  const steps = [
    {
      done: bundles.length > 0,
      label: 'Upload a contract bundle',
      note: 'What agents may do, in YAML.',
      link: <Link to="/contracts/new" />,
    },
    {
      done: deployed,
      label: 'Deploy it',
      note: 'Signed, and pushed to every agent.',
      link: first ? <Link to="/contracts/$name" params={{ name: first.name }} /> : <Link to="/contracts" />,
    },
    { done: keys.length > 0, label: 'Create an API key', note: 'One for each environment.', link: <Link to="/keys" /> },
    { done: false, label: 'Connect an agent', note: 'A snippet to paste.', link: <Link to="/connect" /> },
  ]
  const next = steps.findIndex((step) => !step.done)
  return (
    <Card aria-label="First steps" className="mb-4">
      <ol className="grid gap-px overflow-hidden rounded-xl bg-line sm:grid-cols-2 lg:grid-cols-4">
        {steps.map(({ done, label, note, link }, index) => {
          const Door = link.type
          return (
            <li key={label} className="bg-surface">
              <Door
                {...link.props}
                className="flex h-full items-start gap-3 px-4 py-3 hover:bg-sunken focus-visible:-outline-offset-2"
              >
                <span
                  aria-hidden
                  className={cn(
                    'mt-px grid size-5 shrink-0 place-items-center rounded-full border font-semibold text-2xs',
                    done
                      ? 'border-allow/40 bg-allow-soft text-allow'
                      : index === next
                        ? 'border-accent text-accent'
                        : 'border-line-strong text-faint',
                  )}
                >
                  {done ? <Check className="size-3" /> : index + 1}
                </span>
                <span className="min-w-0">
                  <span className={cn('block text-sm', index === next && 'font-semibold', done && 'text-muted')}>
                    {label}
                    {done && <span className="sr-only"> (done)</span>}
                  </span>
                  <span className="block text-muted text-xs">{note}</span>
                </span>
              </Door>
            </li>
          )
        })}
      </ol>
    </Card>
  )
}
