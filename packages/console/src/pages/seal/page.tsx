import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Plus, Stamp } from 'lucide-react'
import { useListKeys } from '../../app/list-keys.ts'
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
import { Contexts } from './contexts.tsx'
import { revokeSession, sealQueries } from './queries.ts'
import type { SealSearch } from './route.ts'
import { Workloads } from './workloads.tsx'

const ACTIONS = { workloads: 'Register a workload', sessions: null, contexts: 'Make a context' } as const

/** Programs that sign their calls: who may attest, who has a session, and what a session may call. */
export function SealPage() {
  const { tab = 'workloads', create = false, context } = useSearch({ from: '/inside/seal' })
  const navigate = useNavigate({ from: '/seal' })
  const set = (change: SealSearch, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...change }), replace })
  const setCreating = (open: boolean) => set({ create: open ? true : undefined }, true)
  const action = ACTIONS[tab]
  useListKeys(null, 'SEAL')
  useShortcuts(action ? [{ keys: 'c', label: action, group: 'SEAL', run: () => setCreating(true) }] : [])
  return (
    <Page
      title="SEAL workloads"
      lead="Programs that sign each of their calls: who may attest, who has a session, and what a session may call."
      actions={
        action && (
          <Button variant="primary" onClick={() => setCreating(true)}>
            <Plus aria-hidden /> {action}
          </Button>
        )
      }
    >
      <Tabs
        label="SEAL"
        value={tab}
        onChange={(next) => void navigate({ search: next === 'workloads' ? {} : { tab: next } })}
        tabs={[
          { value: 'workloads', label: 'Workloads' },
          { value: 'sessions', label: 'Sessions' },
          { value: 'contexts', label: 'Security contexts' },
        ]}
      >
        <TabPanel value="workloads">
          <Workloads isCreating={create} onCreating={setCreating} />
        </TabPanel>
        <TabPanel value="sessions">
          <Sessions />
        </TabPanel>
        <TabPanel value="contexts">
          <Contexts
            opened={context}
            onOpen={(name) => set({ context: name })}
            isCreating={create}
            onCreating={setCreating}
          />
        </TabPanel>
      </Tabs>
    </Page>
  )
}

function Sessions() {
  const sessions = useQuery(sealQueries.sessions())
  const { ask, dialog } = useConfirmedAct()
  return (
    <Card className="overflow-hidden">
      <Loaded query={sessions}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon={Stamp} title="No session is open">
              A session begins when a workload or an execution attests, and lasts an hour at most.
            </Empty>
          ) : (
            <Entries label="SEAL sessions">
              {list.map((one) => (
                <Entry
                  key={one.session_id}
                  isCode
                  title={one.workload_id ?? one.execution_id}
                  badge={<Badge tone={one.status === 'Active' ? 'allow' : 'neutral'}>{one.status.toLowerCase()}</Badge>}
                  detail={
                    <>
                      {one.security_context}: {one.allowed_tool_patterns.join(' ')}; ends in{' '}
                      <Until at={one.expires_at} />
                    </>
                  }
                >
                  <GraveButton
                    label={`Revoke the session of ${one.workload_id ?? one.execution_id}`}
                    onClick={() =>
                      ask({
                        title: 'Revoke this session?',
                        description: 'The next call that is signed under it is refused, on every server.',
                        action: 'Revoke session',
                        run: () => revokeSession(one.execution_id),
                        done: 'Session revoked',
                        failed: 'It was not revoked.',
                        stale: [['seal']],
                      })
                    }
                  >
                    Revoke
                  </GraveButton>
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

function Until({ at }: { at: string }) {
  return <span className="tabular">{useAtNow((now) => countdown(Date.parse(at) - now))}</span>
}
