import { useQuery } from '@tanstack/react-query'
import { queries } from '../api/queries.ts'
import { useNow } from '../ui/ticker.ts'
import { countOpen } from './order.ts'

/** How many calls wait for a person; undefined until known. */
export function useOpenCount(): number | undefined {
  const now = useNow()
  const { data } = useQuery(queries.approvals('pending'))
  return data && countOpen(data, now)
}
