import { useQuery } from '@tanstack/react-query'
import { BASE_PATH } from '../../api/base-path.ts'
import { ENVIRONMENTS } from '../../api/types.ts'
import { session } from '../../app/session.ts'
import { Button } from '../../ui/button.tsx'
import { CopyButton } from '../../ui/copy.tsx'
import { Field } from '../../ui/field.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { messageOf } from '../../ui/states.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import { useUnloadGuard } from '../../ui/unload-guard.ts'
import { useFields } from '../../ui/use-fields.ts'
import { bundleQueries } from '../contracts/queries.ts'
import { takeKey, useNewKeys } from '../keys/shared/new-key.ts'
import { useCreateKey } from '../keys/shared/use-create-key.ts'
import { FirstEvent } from './first-event.tsx'
import { snippets } from './snippets.ts'

const AGENT_ID = /^[\w.-]{1,128}$/

/** A snippet with the real address and key, and a light that turns green when the agent's first event is in. */
export function ConnectPage() {
  const { keys, untaken } = useNewKeys()
  useUnloadGuard(untaken !== null)
  const bundles = useQuery(bundleQueries.all()).data ?? []
  const admin = useQuery(session.me()).data?.is_admin ?? false
  const { fields, change } = useFields('connect', { agentId: 'my-agent', env: '', bundle: '', language: 'typescript' })
  const { agentId } = fields
  const language = LANGUAGES.find(({ value }) => value === fields.language)?.value ?? 'typescript'
  const env = ENVIRONMENTS.find((one) => one === fields.env) ?? keys[0]?.env ?? 'production'
  const isThere = bundles.some(({ name }) => name === fields.bundle)
  const deployed = bundles.find(({ deployed_envs }) => deployed_envs.includes(env))
  const bundleName = (isThere ? fields.bundle : deployed?.name) ?? null
  const apiKey = keys.find((key) => key.env === env)?.key ?? null
  const valid = AGENT_ID.test(agentId)
  const create = useCreateKey()

  return (
    <Page
      title="Connect an agent"
      lead="Paste this into your agent. From then on every tool call goes through the contracts."
    >
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <Card className="min-w-0 p-4 pb-5 sm:p-5">
          <div className="grid grid-cols-[minmax(0,1fr)] gap-x-4 sm:grid-cols-[minmax(0,16rem)_minmax(0,1fr)] sm:items-start">
            <Field
              label="Agent id"
              value={agentId}
              onChange={(event) => change({ agentId: event.target.value })}
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
                onChange={(value) => change({ env: value ?? '' })}
              />
              <FilterMenu
                label="Bundle"
                value={bundleName ?? undefined}
                options={bundles.map(({ name }) => ({ value: name, label: name }))}
                onChange={(value) => change({ bundle: value ?? '' })}
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
          <Tabs label="Language" value={language} onChange={(value) => change({ language: value })} tabs={LANGUAGES}>
            {snippets({
              url: `${location.origin}${BASE_PATH}`,
              apiKey,
              env,
              agentId: valid ? agentId : 'my-agent',
              bundleName,
            }).map((snippet) => (
              <TabPanel key={snippet.id} value={snippet.id}>
                {snippet.install && <Code text={snippet.install} what="install command" />}
                <Code
                  text={snippet.code}
                  what="snippet"
                  onCopied={() => apiKey !== null && apiKey === untaken?.key && takeKey()}
                  className="mt-2"
                />
                <p className="mt-3 text-pretty text-muted text-sm">{snippet.note}</p>
              </TabPanel>
            ))}
          </Tabs>
          {apiKey && (
            <p className="mt-3 text-muted text-sm">The key stands in it until this tab is closed, and nowhere else.</p>
          )}
        </Card>
        <FirstEvent agentId={valid ? agentId : 'my-agent'} env={env} />
      </div>
    </Page>
  )
}

const LANGUAGES = [
  { value: 'typescript', label: 'TypeScript' },
  { value: 'python', label: 'Python' },
  { value: 'go', label: 'Go' },
  { value: 'curl', label: 'curl' },
] as const

interface CodeProps {
  readonly text: string
  readonly what: string
  readonly onCopied?: () => void
  readonly className?: string
}

function Code({ text, what, onCopied, className = '' }: CodeProps) {
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
      <CopyButton text={text} what={what} className="m-1.5" {...(onCopied ? { onCopied } : {})} />
    </div>
  )
}
