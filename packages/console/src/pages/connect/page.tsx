import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { ENVIRONMENTS, type Environment } from '../../api/types.ts'
import { session } from '../../app/session.ts'
import { Button } from '../../ui/button.tsx'
import { CopyButton } from '../../ui/copy.tsx'
import { Field } from '../../ui/field.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { messageOf } from '../../ui/states.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import { bundleQueries } from '../contracts/queries.ts'
import { useNewKey } from '../keys/shared/new-key.ts'
import { useCreateKey } from '../keys/shared/use-create-key.ts'
import { FirstEvent } from './first-event.tsx'
import { snippets } from './snippets.ts'

const AGENT_ID = /^[\w.-]{1,128}$/

/** A snippet with the real address and key, and a light that turns green when the agent's first event is in. */
export function ConnectPage() {
  const newKey = useNewKey()
  const bundles = useQuery(bundleQueries.all()).data ?? []
  const admin = useQuery(session.me()).data?.is_admin ?? false
  const [agentId, setAgentId] = useState('my-agent')
  const [chosenEnv, setEnv] = useState<Environment | null>(null)
  const [bundle, setBundle] = useState<string | null>(null)
  const [language, setLanguage] = useState<'typescript' | 'python'>('typescript')
  const env = chosenEnv ?? newKey?.env ?? 'production'
  const bundleName = bundle ?? bundles.find(({ deployed_envs }) => deployed_envs.includes(env))?.name ?? null
  const apiKey = newKey?.env === env ? newKey.key : null
  const valid = AGENT_ID.test(agentId)
  const create = useCreateKey(() => {})

  return (
    <Page
      title="Connect an agent"
      lead="Paste this into your agent. From then on every tool call goes through the contracts."
    >
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <Card className="min-w-0 p-4 pb-5 sm:p-5">
          <div className="grid gap-x-4 sm:grid-cols-[minmax(0,16rem)_auto] sm:items-start">
            <Field
              label="Agent id"
              value={agentId}
              onChange={(event) => setAgentId(event.target.value)}
              spellCheck={false}
              autoCapitalize="off"
              error={valid ? null : 'Letters, digits, dot, dash and underscore.'}
            />
            <div className="flex flex-wrap gap-2 mb-4 sm:mt-6.5">
              <FilterMenu
                label="Environment"
                required
                value={env}
                options={ENVIRONMENTS.map((value) => ({ value, label: value }))}
                onChange={(value) => setEnv((value ?? null) as Environment | null)}
              />
              <FilterMenu
                label="Bundle"
                value={bundleName ?? undefined}
                options={bundles.map(({ name }) => ({ value: name, label: name }))}
                onChange={(value) => setBundle(value ?? null)}
              />
            </div>
          </div>
          {!apiKey && (
            <div className="mb-4 flex flex-wrap items-center gap-3 rounded-md border bg-sunken px-3 py-2 text-sm">
              <p className="min-w-40 flex-1 text-muted">
                The snippet reads the key from <code className="font-mono text-xs">LICTOR_API_KEY</code>. Existing keys
                cannot be shown again.
              </p>
              {admin && (
                <Button busy={create.isPending} onClick={() => create.mutate({ env, label: valid ? agentId : null })}>
                  Create a {env} key
                </Button>
              )}
              {create.isError && (
                <p role="alert" className="w-full text-deny">
                  {messageOf(create.error)}
                </p>
              )}
            </div>
          )}
          <Tabs label="Language" value={language} onChange={setLanguage} tabs={LANGUAGES}>
            {snippets({ url: location.origin, apiKey, env, agentId: valid ? agentId : 'my-agent', bundleName }).map(
              (snippet) => (
                <TabPanel key={snippet.id} value={snippet.id}>
                  <Code text={snippet.install} what="install command" />
                  <Code text={snippet.code} what="snippet" className="mt-2" />
                </TabPanel>
              ),
            )}
          </Tabs>
        </Card>
        <FirstEvent agentId={valid ? agentId : 'my-agent'} env={env} />
      </div>
    </Page>
  )
}

const LANGUAGES = [
  { value: 'typescript', label: 'TypeScript' },
  { value: 'python', label: 'Python' },
] as const

function Code({ text, what, className = '' }: { text: string; what: string; className?: string }) {
  return (
    <div className={`flex items-start rounded-md border bg-sunken ${className}`}>
      <section
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        tabIndex={0}
        aria-label={what}
        className="min-w-0 flex-1 overflow-x-auto p-3"
      >
        <pre className="font-mono text-xs leading-5">{text}</pre>
      </section>
      <CopyButton text={text} what={what} className="m-1.5" />
    </div>
  )
}
