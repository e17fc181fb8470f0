import { useNavigate, useSearch } from '@tanstack/react-router'
import { Page } from '../../ui/page.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import { History } from './history.tsx'
import { Inbox } from './inbox.tsx'

/**
 * The list and the open call scroll by themselves, so that the buttons that decide are always in view. Where the call takes
 * the list's place, heading and tabs make room for it.
 */
const FULL_HEIGHT =
  'flex h-full flex-col pb-3 lg:pb-4 max-sm:[&>header_p]:hidden max-sm:[&>header]:mb-2 [&>[data-orientation]]:flex [&>[data-orientation]]:min-h-0 [&>[data-orientation]]:flex-1 [&>[data-orientation]]:flex-col max-lg:has-[[data-reading]]:pt-3 max-lg:has-[[data-reading]]:[&>header]:sr-only max-lg:has-[[data-reading]]:[&_[role=tablist]]:hidden [@media(max-height:34rem)]:pt-2 [@media(max-height:34rem)]:[&>header]:sr-only'

export function ApprovalsPage() {
  const { id, tab } = useSearch({ from: '/inside/approvals' })
  const navigate = useNavigate({ from: '/approvals' })
  return (
    <Page
      title="Approvals"
      lead="Calls that a contract holds back until a person decides. The agent waits meanwhile."
      className={tab === 'history' ? '' : FULL_HEIGHT}
    >
      <Tabs
        label="Approvals"
        value={tab ?? 'pending'}
        onChange={(next) => void navigate({ search: next === 'history' ? { tab: 'history' } : {} })}
        tabs={[
          { value: 'pending', label: 'Waiting' },
          { value: 'history', label: 'Decided' },
        ]}
      >
        <TabPanel value="pending" className="flex min-h-0 flex-1 flex-col">
          <Inbox linked={id} />
        </TabPanel>
        <TabPanel value="history">
          <History />
        </TabPanel>
      </Tabs>
    </Page>
  )
}
