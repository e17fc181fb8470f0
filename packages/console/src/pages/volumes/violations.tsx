import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useRefusal } from '../../app/permission.ts'
import { session } from '../../app/session.ts'
import { Badge } from '../../ui/badge.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, CardHeading } from '../../ui/page.tsx'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { volumeQueries } from './queries.ts'

/** How many stand here; the page of incidents has the others. */
const SHOWN = 5

/** File operations on this volume that were refused. Administrators alone see them, as the server has it. */
export function Violations({ volumeId }: { volumeId: string }) {
  const me = useQuery(session.me()).data
  const refusal = useRefusal('administer')
  const violations = useQuery({ ...volumeQueries.violations(volumeId), enabled: me !== undefined && refusal === null })
  return (
    <Card aria-labelledby="violations" className="overflow-hidden">
      <CardHeading
        id="violations"
        aside={
          refusal === null && (
            <Link
              to="/incidents"
              search={{ tab: 'storage', volume: volumeId }}
              className="text-muted text-sm underline underline-offset-2 hover:text-ink"
            >
              Incidents
            </Link>
          )
        }
      >
        What was refused
      </CardHeading>
      {refusal !== null ? (
        <Withheld why={refusal} className="px-4 py-3" />
      ) : (
        <Loaded query={violations} rows={1}>
          {(list) =>
            list.length === 0 ? (
              <p className="px-4 py-3 text-muted text-sm">Nothing was refused on this volume.</p>
            ) : (
              <ul aria-label="What was refused" className="divide-y">
                {list.slice(0, SHOWN).map((one) => (
                  <li key={one.id}>
                    <Link
                      to="/incidents"
                      search={{ tab: 'storage', volume: volumeId, id: one.id }}
                      data-row
                      className="grid items-center gap-x-4 gap-y-0.5 px-4 py-2 hover:bg-hover focus-visible:-outline-offset-2 sm:grid-cols-[14rem_minmax(0,1fr)_6rem]"
                    >
                      <span className="min-w-0">
                        <Badge tone="deny">
                          <span className="truncate">{one.category.replaceAll('_', ' ')}</span>
                        </Badge>
                      </span>
                      <span className="truncate text-muted text-xs">{visible(one.details)}</span>
                      <When at={one.occurred_at} className="text-muted text-xs" />
                    </Link>
                  </li>
                ))}
              </ul>
            )
          }
        </Loaded>
      )}
    </Card>
  )
}
