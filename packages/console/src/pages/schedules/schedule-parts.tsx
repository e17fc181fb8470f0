import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Button } from '../../ui/button.tsx'
import { messageOf } from '../../ui/states.tsx'
import { duration } from '../../ui/time.ts'
import { useToasts } from '../../ui/toasts.tsx'
import { type Schedule, setEnabled } from './queries.ts'

/** When it is due, in words. */
export const timingOf = ({ cron, timezone, every_seconds }: Schedule): string =>
  cron === null ? `every ${duration(every_seconds ?? 0)}` : `${cron} in ${timezone ?? 'UTC'}`

/** Pauses what is on, and lets go on what is paused. */
export function Pause({ schedule }: { schedule: Schedule }) {
  const client = useQueryClient()
  const toasts = useToasts()
  const { name, enabled } = schedule
  const setting = useMutation({
    mutationFn: setEnabled,
    onSuccess: () => toasts.done(enabled ? `${name} is paused` : `${name} goes on`, undefined, `schedule ${name}`),
    onError: (error) => toasts.failed(`${name} stays as it is`, messageOf(error), `schedule ${name}`),
    onSettled: () => client.invalidateQueries({ queryKey: ['schedules'] }),
  })
  return (
    <Button
      size="sm"
      busy={setting.isPending}
      aria-label={enabled ? `Pause ${name}` : `Let ${name} go on`}
      onClick={() => setting.mutate({ name, enabled: !enabled })}
    >
      {enabled ? 'Pause' : 'Let go on'}
    </Button>
  )
}
