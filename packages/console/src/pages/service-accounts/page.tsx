import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { BotMessageSquare, KeyRound, Plus } from 'lucide-react'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { session } from '../../app/session.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { Entries, Entry, GraveButton } from '../../ui/entries.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { Empty } from '../../ui/states.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import { useAtNow } from '../../ui/ticker.ts'
import { countdown } from '../../ui/time.ts'
import { When } from '../../ui/when.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { CreateAccount, CreateRuntimeKey, NewAccount, NewRuntimeKey } from './forms.tsx'
import { accountQueries, revokeAccount, revokeKey } from './queries.ts'

/** What programs sign in with at the runtime's half: accounts of the tenant, and keys of one's own. */
export function ServiceAccountsPage() {
  const { tab = 'accounts', create = false } = useSearch({ from: '/inside/service-accounts' })
  const navigate = useNavigate({ from: '/service-accounts' })
  const me = useQuery(session.me()).data
  const refusals = { accounts: useRefusal('administer'), keys: useRefusal('work') }
  const refusal = refusals[tab]
  const mayCreate = me !== undefined && refusal === null
  const setCreating = (open: boolean) =>
    void navigate({ search: (now) => ({ ...now, create: open ? true : undefined }), replace: true })
  useListKeys(null, 'Service accounts')
  useShortcuts(
    mayCreate
      ? [
          {
            keys: 'c',
            label: tab === 'keys' ? 'Create a key' : 'Create a service account',
            group: 'Service accounts',
            run: () => setCreating(true),
          },
        ]
      : [],
  )
  return (
    <Page
      title="Service accounts"
      lead="What programs sign in with to deploy and run agents. Agents that only ask for decisions use an API key."
      actions={
        mayCreate && (
          <Button variant="primary" onClick={() => setCreating(true)}>
            <Plus aria-hidden /> {tab === 'keys' ? 'Create key' : 'Create account'}
          </Button>
        )
      }
    >
      <Tabs
        label="Service accounts"
        value={tab}
        onChange={(next) => void navigate({ search: next === 'keys' ? { tab: 'keys' } : {} })}
        tabs={[
          { value: 'accounts', label: 'Accounts of the tenant' },
          { value: 'keys', label: 'Your own keys' },
        ]}
      >
        {refusal && <Withheld why={`Creating and revoking: ${refusal}`} className="mb-3" />}
        <TabPanel value="accounts">
          <Accounts mayRevoke={mayCreate} />
        </TabPanel>
        <TabPanel value="keys">
          <Keys mayRevoke={mayCreate} />
        </TabPanel>
      </Tabs>
      {mayCreate && tab === 'accounts' && <CreateAccount open={create} onOpenChange={setCreating} />}
      {mayCreate && tab === 'keys' && <CreateRuntimeKey open={create} onOpenChange={setCreating} />}
      <NewAccount />
      <NewRuntimeKey />
    </Page>
  )
}

function Accounts({ mayRevoke }: { mayRevoke: boolean }) {
  const accounts = useQuery(accountQueries.all())
  const { ask, dialog } = useConfirmedAct()
  return (
    <Card className="overflow-hidden">
      <Loaded query={accounts}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon={BotMessageSquare} title="No service account yet">
              One is for a pipeline or a scheduler that calls the runtime without a person.
            </Empty>
          ) : (
            <Entries label="Service accounts">
              {list.map((account) => (
                <Entry
                  key={account.id}
                  title={account.name}
                  whole={account.name}
                  badge={<Badge>{account.role.replace('aegis:', '')}</Badge>}
                  detail={
                    <>
                      <code className="font-mono">{account.client_id}</code>, by {account.created_by},{' '}
                      <When at={account.created_at} />
                      {account.scopes && `, only ${account.scopes.join(' ')}`}
                    </>
                  }
                >
                  {mayRevoke && (
                    <GraveButton
                      label={`Revoke ${account.name}`}
                      onClick={() =>
                        ask({
                          title: `Revoke ${account.name}?`,
                          description:
                            'Every token that was issued to it is refused at once, on every server. This cannot be undone.',
                          action: 'Revoke account',
                          run: () => revokeAccount(account.id),
                          done: `${account.name} was revoked`,
                          failed: 'It was not revoked.',
                          stale: [['service-accounts']],
                        })
                      }
                    >
                      Revoke
                    </GraveButton>
                  )}
                </Entry>
              ))}
            </Entries>
          )
        }
      </Loaded>
      {dialog}
    </Card>
  )
}

function Keys({ mayRevoke }: { mayRevoke: boolean }) {
  const keys = useQuery(accountQueries.keys())
  const { ask, dialog } = useConfirmedAct()
  return (
    <Card className="overflow-hidden">
      <Loaded query={keys}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon={KeyRound} title="You have no key">
              A key acts as you in the runtime’s half: for the command line, a notebook, a pipeline of your own.
            </Empty>
          ) : (
            <Entries label="Keys">
              {list.map((key) => (
                <Entry
                  key={key.id}
                  title={key.name}
                  whole={key.name}
                  detail={
                    <>
                      {key.last_used_at ? (
                        <>
                          last used <When at={key.last_used_at} />
                        </>
                      ) : (
                        'never used'
                      )}
                      , made <When at={key.created_at} />,{' '}
                      {key.expires_at ? <Ends at={key.expires_at} /> : 'until it is revoked'}
                      <code className="block font-mono text-faint">{key.scopes.join(' ')}</code>
                    </>
                  }
                >
                  {mayRevoke && (
                    <GraveButton
                      label={`Revoke ${key.name}`}
                      onClick={() =>
                        ask({
                          title: `Revoke ${key.name}?`,
                          description: 'It is refused from its next request on, and its streams end.',
                          action: 'Revoke key',
                          run: () => revokeKey(key.id),
                          done: `${key.name} was revoked`,
                          failed: 'It was not revoked.',
                          stale: [['runtime-keys']],
                        })
                      }
                    >
                      Revoke
                    </GraveButton>
                  )}
                </Entry>
              ))}
            </Entries>
          )
        }
      </Loaded>
      {dialog}
    </Card>
  )
}

function Ends({ at }: { at: string }) {
  const words = useAtNow((now) => (Date.parse(at) > now ? `ends in ${countdown(Date.parse(at) - now)}` : 'has ended'))
  return <span>{words}</span>
}
