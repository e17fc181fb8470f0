import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Bell, Plus } from 'lucide-react'
import { Switch } from 'radix-ui'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { session } from '../../app/session.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { RowMenu } from '../../ui/row-menu.tsx'
import { Empty, messageOf } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { When } from '../../ui/when.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { ChannelForm } from './channel-form.tsx'
import { kindOf } from './kinds.ts'
import { type Channel, changeChannel, channelQueries, deleteChannel, testChannel } from './queries.ts'
import type { NotificationsSearch } from './route.ts'

/** Where people hear that a call waits for them. */
export function NotificationsPage() {
  const channels = useQuery(channelQueries.all())
  const search = useSearch({ from: '/inside/settings/notifications' })
  const navigate = useNavigate({ from: '/settings/notifications' })
  const set = (change: NotificationsSearch) => void navigate({ search: change, replace: true })
  const me = useQuery(session.me()).data
  const refusal = useRefusal('administer')
  const mayChange = me !== undefined && refusal === null
  useListKeys(null, 'Notifications')
  useShortcuts(
    mayChange ? [{ keys: 'c', label: 'Add a channel', group: 'Notifications', run: () => set({ create: true }) }] : [],
  )
  const add = mayChange && (
    <Button variant="primary" onClick={() => set({ create: true })}>
      <Plus aria-hidden /> Add a channel
    </Button>
  )
  const changed = channels.data?.find(({ id }) => id === search.id)
  return (
    <Page
      title="Notifications"
      lead="Where people hear that a call waits for them. In some channels they decide in the message itself."
      actions={add}
    >
      {refusal && <Withheld why={`Changing: ${refusal}`} className="mb-3" />}
      <Card className="overflow-hidden">
        <Loaded query={channels}>
          {(list) =>
            list.length === 0 ? (
              <Empty icon={Bell} title="No channel yet" action={add}>
                Without one, calls wait in the console alone until somebody looks.
              </Empty>
            ) : (
              <ul aria-label="Channels" className="divide-y">
                {list.map((channel) => (
                  <Row
                    key={channel.id}
                    channel={channel}
                    mayChange={mayChange}
                    onChange={() => set({ id: channel.id })}
                  />
                ))}
              </ul>
            )
          }
        </Loaded>
      </Card>
      {mayChange && (
        <ChannelForm open={search.create === true || changed !== undefined} channel={changed} onClose={() => set({})} />
      )}
    </Page>
  )
}

interface RowProps {
  readonly channel: Channel
  readonly mayChange: boolean
  readonly onChange: () => void
}

function Row({ channel, mayChange, onChange }: RowProps) {
  const client = useQueryClient()
  const toasts = useToasts()
  const { ask, dialog } = useConfirmedAct()
  const refresh = () => client.invalidateQueries({ queryKey: ['channels'] })
  const switching = useMutation({
    mutationFn: (enabled: boolean) => changeChannel({ id: channel.id, enabled }),
    onError: (error) => toasts.failed('It was not switched', messageOf(error), channel.id),
    onSettled: refresh,
  })
  const testing = useMutation({
    mutationFn: () => testChannel(channel.id),
    onSuccess: ({ success, message }) =>
      success ? toasts.done('Test sent', message, channel.id) : toasts.failed('The test failed', message, channel.id),
    onError: (error) => toasts.failed('The test failed', messageOf(error), channel.id),
    onSettled: refresh,
  })
  const look = kindOf(channel.channel_type)
  const { waiting, failed, last_error } = channel.delivery
  const only = [
    ...(channel.filters?.environments ?? []),
    ...(channel.filters?.agent_patterns ?? []),
    ...(channel.filters?.contract_names ?? []),
  ]
  const isOn = switching.isPending ? switching.variables : channel.enabled
  return (
    <li data-row className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-3 gap-y-1 px-4 py-2.5">
      <span className="min-w-0">
        <span className="flex min-w-0 flex-wrap items-center gap-x-2">
          <span className="min-w-0 truncate font-medium" title={channel.name}>
            {channel.name}
          </span>
          <span className="text-muted text-xs">
            {look?.label ?? channel.channel_type}
            {look?.isInteractive && ', decides in the message'}
          </span>
        </span>
        <span className="block break-words text-muted text-xs">
          {only.length > 0 ? `only ${only.join(', ')}` : 'everything'};{' '}
          {channel.last_test_at ? (
            <>
              test {channel.last_test_ok ? 'went through' : <span className="text-deny">failed</span>}{' '}
              <When at={channel.last_test_at} />
            </>
          ) : (
            'never tested'
          )}
        </span>
        {(waiting > 0 || failed > 0) && (
          <span className="block break-words text-xs">
            {waiting > 0 && <Badge tone="ask">{plural(waiting, 'message')} on the way</Badge>}{' '}
            {failed > 0 && (
              <span className="text-deny">
                {plural(failed, 'message')} lost{last_error ? `: ${last_error}` : ''}
              </span>
            )}
          </span>
        )}
      </span>
      <span className="flex items-center gap-2">
        {mayChange ? (
          <>
            <Switch.Root
              checked={isOn}
              onCheckedChange={(next) => switching.mutate(next)}
              aria-label={`Send to ${channel.name}`}
              className="relative h-5 w-9 shrink-0 rounded-full border bg-sunken transition-colors data-[state=checked]:border-accent data-[state=checked]:bg-accent"
            >
              <Switch.Thumb className="block size-3.5 translate-x-0.5 rounded-full bg-muted transition-transform data-[state=checked]:translate-x-4.5 data-[state=checked]:bg-surface" />
            </Switch.Root>
            <Button size="sm" busy={testing.isPending} onClick={() => testing.mutate()}>
              Test<span className="sr-only"> {channel.name}</span>
            </Button>
            <RowMenu
              label={`More about ${channel.name}`}
              actions={[
                { label: 'Change', onSelect: onChange },
                {
                  label: 'Delete',
                  grave: true,
                  onSelect: () =>
                    ask({
                      title: `Delete the channel ${channel.name}?`,
                      description: 'What still waits to be sent on it is dropped.',
                      action: 'Delete channel',
                      run: () => deleteChannel(channel.id),
                      done: `${channel.name} was deleted`,
                      failed: 'It was not deleted.',
                      stale: [['channels']],
                    }),
                },
              ]}
            />
          </>
        ) : (
          <Badge tone={channel.enabled ? 'allow' : 'neutral'}>{channel.enabled ? 'on' : 'off'}</Badge>
        )}
      </span>
      {dialog}
    </li>
  )
}
