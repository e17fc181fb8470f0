import { useNavigate, useSearch } from '@tanstack/react-router'
import { Plus, Send } from 'lucide-react'
import { useRef } from 'react'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { Button } from '../../ui/button.tsx'
import { Page } from '../../ui/page.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { NewSecret, RegisterSource, SendOne } from './forms.tsx'
import { OpenStimulus, Received } from './received.tsx'
import type { StimuliSearch } from './route.ts'
import { Sources } from './sources.tsx'

/** What comes from outside and begins workflows: what came, and where it may come from. */
export function StimuliPage() {
  const search = useSearch({ from: '/inside/stimuli' })
  const navigate = useNavigate({ from: '/stimuli' })
  const set = (change: StimuliSearch, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...change }), replace })
  const { tab = 'received' } = search
  const refusal = useRefusal('work')
  const within = useRef<HTMLDivElement>(null)
  useListKeys(within, 'Stimuli')
  const register = () => set({ create: true }, true)
  const send = (source: string) => set({ send: source }, true)
  useShortcuts(
    refusal === null
      ? [
          { keys: 'c', label: 'Register a source', group: 'Stimuli', run: register },
          { keys: 's', label: 'Send one by hand', group: 'Stimuli', run: () => send('') },
        ]
      : [],
  )
  return (
    <Page
      title="Stimuli"
      lead="Webhooks and messages from outside, and the workflows that they began."
      actions={
        refusal === null ? (
          <>
            <Button onClick={() => send('')}>
              <Send aria-hidden /> Send one
            </Button>
            <Button variant="primary" onClick={register}>
              <Plus aria-hidden /> Register a source
            </Button>
          </>
        ) : (
          <Withheld why={`Registering and sending: ${refusal}`} className="max-w-xs" />
        )
      }
    >
      <div ref={within}>
        <Tabs
          label="Stimuli"
          value={tab}
          onChange={(next) => void navigate({ search: next === 'sources' ? { tab: 'sources' } : {} })}
          tabs={[
            { value: 'received', label: 'Received' },
            { value: 'sources', label: 'Sources' },
          ]}
        >
          <TabPanel value="received">
            <Received search={search} set={set} mayRegister={refusal === null} onRegister={register} />
          </TabPanel>
          <TabPanel value="sources">
            <Sources
              q={search.q}
              onFilter={(q) => set({ q }, true)}
              mayWrite={refusal === null}
              onRegister={register}
              onSend={send}
            />
          </TabPanel>
        </Tabs>
      </div>
      <OpenStimulus id={search.id} onClose={() => set({ id: undefined })} />
      {refusal === null && (
        <>
          <RegisterSource
            open={search.create === true}
            onOpenChange={(open) => set({ create: open ? true : undefined }, true)}
          />
          <SendOne
            source={search.send}
            onClose={() => set({ send: undefined }, true)}
            onSent={(id) => void navigate({ search: { id } })}
          />
        </>
      )}
      <NewSecret />
    </Page>
  )
}
