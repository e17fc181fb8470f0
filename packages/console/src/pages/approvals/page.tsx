import { useNavigate, useSearch } from '@tanstack/react-router'
import { Page } from '../../ui/page.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import { History } from './history.tsx'
import { Inbox } from './inbox.tsx'

export function ApprovalsPage() {
  const { id, tab } = useSearch({ from: '/inside/approvals' })
  const navigate = useNavigate({ from: '/approvals' })
  return (
    <Page title="Approvals" lead="Calls that a contract holds back until a person decides. The agent waits meanwhile.">
      <Tabs
        label="Approvals"
        value={tab ?? 'pending'}
        onChange={(next) => void navigate({ search: next === 'history' ? { tab: 'history' } : {} })}
        tabs={[
          { value: 'pending', label: 'Waiting' },
          { value: 'history', label: 'Decided' },
        ]}
      >
        <TabPanel value="pending">
          <Inbox linked={id} />
        </TabPanel>
        <TabPanel value="history">
          <History />
        </TabPanel>
      </Tabs>
    </Page>
  )
}
