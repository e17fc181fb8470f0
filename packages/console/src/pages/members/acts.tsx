import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ScrollText } from 'lucide-react'
import { Badge } from '../../ui/badge.tsx'
import { buttonClass } from '../../ui/button.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card } from '../../ui/page.tsx'
import { Empty } from '../../ui/states.tsx'
import { When } from '../../ui/when.tsx'
import { ACTS_PAGE, memberQueries } from './queries.ts'

/** Every change that took an administrator, newest first. */
export function Acts({ before }: { before: string | undefined }) {
  const acts = useQuery(memberQueries.acts(before))
  const last = acts.data?.at(-1)
  return (
    <>
      <Card className="overflow-hidden">
        <Loaded query={acts} rows={6}>
          {(list) =>
            list.length === 0 ? (
              <Empty icon={ScrollText} title={before ? 'Nothing before that' : 'No administrator did anything yet'} />
            ) : (
              <ul aria-label="What administrators did" className="divide-y">
                {list.map((act) => (
                  <li
                    key={act.id}
                    data-row
                    className="grid items-baseline gap-x-4 gap-y-0.5 px-4 py-2.5 sm:grid-cols-[minmax(0,1fr)_minmax(0,1.6fr)_5rem_6rem]"
                  >
                    <span className="truncate font-medium" title={act.principal}>
                      {act.actor}
                    </span>
                    <span className="min-w-0 break-words">
                      <code className="font-mono text-xs">{act.action}</code>
                      {act.target && <span className="ml-2 text-muted text-sm">{act.target}</span>}
                      {Object.keys(act.details).length > 0 && (
                        <span className="block text-muted text-xs">
                          {Object.entries(act.details)
                            .map(
                              ([name, value]) =>
                                `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
                            )
                            .join(', ')}
                        </span>
                      )}
                    </span>
                    <span>
                      {act.status === null ? (
                        <Badge>begun</Badge>
                      ) : (
                        <Badge tone={act.status < 400 ? 'allow' : 'deny'}>
                          {act.status < 400 ? 'done' : act.status}
                        </Badge>
                      )}
                    </span>
                    <When at={act.at} className="text-muted text-xs" />
                  </li>
                ))}
              </ul>
            )
          }
        </Loaded>
      </Card>
      <div className="mt-3 flex justify-end gap-2">
        {before && (
          <Link to="/settings/members" search={{ tab: 'acts' }} className={buttonClass()}>
            Newest
          </Link>
        )}
        {last && acts.data?.length === ACTS_PAGE && (
          <Link to="/settings/members" search={{ tab: 'acts', before: last.id }} className={buttonClass()}>
            Older
          </Link>
        )}
      </div>
    </>
  )
}
