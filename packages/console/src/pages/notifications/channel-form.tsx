import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ENVIRONMENTS } from '../../api/types.ts'
import { CopyButton } from '../../ui/copy.tsx'
import { Field } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { SelectField } from '../../ui/select-field.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { KINDS, kindOf, listOf } from './kinds.ts'
import { type Channel, changeChannel, channelQueries, createChannel, type Filters, type Kind } from './queries.ts'

interface ChannelFormProps {
  readonly open: boolean
  /** The channel that is changed; absent: a new one. */
  readonly channel: Channel | undefined
  readonly onClose: () => void
}

/** Begins with what the channel has whenever it opens for another; what it holds is no draft, for half of it is secret. */
export function ChannelForm(props: ChannelFormProps) {
  return <Form key={`${props.channel?.id} ${props.open}`} {...props} />
}

function Form({ open, channel, onClose }: ChannelFormProps) {
  const client = useQueryClient()
  const toasts = useToasts()
  const [name, setName] = useState(channel?.name ?? '')
  const [kind, setKind] = useState<Kind>(channel?.channel_type ?? 'slack_app')
  const [config, setConfig] = useState<Readonly<Record<string, string>>>(() => textsOf(channel?.config))
  const [environments, setEnvironments] = useState<readonly string[]>(channel?.filters?.environments ?? [])
  const [agents, setAgents] = useState(channel?.filters?.agent_patterns?.join(', ') ?? '')
  const [contracts, setContracts] = useState(channel?.filters?.contract_names?.join(', ') ?? '')
  const [problem, setProblem] = useState<string | null>(null)
  const look = kindOf(kind)
  const saving = useMutation({
    mutationFn: async () => {
      const filters: Filters = {
        environments: environments.length > 0 ? [...environments] : null,
        agent_patterns: listOf(agents),
        contract_names: listOf(contracts),
      }
      const isEmpty = Object.values(filters).every((one) => one === null)
      const body = { name: name.trim(), config: filled(config), filters: isEmpty ? null : filters }
      return channel ? changeChannel({ id: channel.id, ...body }) : createChannel({ ...body, channel_type: kind })
    },
    gcTime: 0,
    onSuccess: (saved) => {
      toasts.done(channel ? 'Channel changed' : 'Channel made', `${saved.name}: send a test next.`)
      onClose()
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['channels'] }),
  })
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => next || onClose()}
      title={channel ? `Change ${channel.name}` : 'Add a channel'}
      {...(look ? { description: look.hint } : {})}
      action={channel ? 'Save' : 'Add it'}
      busy={saving.isPending}
      error={problem ?? saving.error}
      onSubmit={() => {
        const missing = look?.fields.find((field) => !field.isOptional && !config[field.name]?.trim())
        if (!name.trim()) return setProblem('Give it a name.')
        if (missing) return setProblem(`${missing.label} is needed.`)
        setProblem(null)
        saving.mutate()
      }}
    >
      <div className="grid gap-x-3 sm:grid-cols-2">
        <Field
          label="Name"
          value={name}
          onChange={(event) => setName(event.target.value)}
          autoComplete="off"
          maxLength={100}
        />
        <SelectField
          label="Kind"
          value={kind}
          options={KINDS}
          onChange={setKind}
          disabled={channel !== undefined}
          hint={look?.isInteractive ? 'One decides in the message.' : 'One decides here, by its link.'}
        />
        {look?.fields.map((field) => (
          <Field
            key={`${kind} ${field.name}`}
            label={field.isOptional ? `${field.label} (optional)` : field.label}
            // A secret that is there comes back as dots, which leave it as it is.
            type={field.isSecret && !channel ? 'password' : 'text'}
            value={config[field.name] ?? ''}
            onChange={(event) => setConfig((now) => ({ ...now, [field.name]: event.target.value }))}
            autoComplete="off"
            spellCheck={false}
            hint={field.isSecret && channel ? 'As it stands, it stays.' : (field.hint ?? '')}
          />
        ))}
      </div>
      {kind === 'slack_app' && !channel && <SlackManifest enabled={open} />}
      <fieldset className="rounded-md border p-3">
        <legend className="px-1 text-muted text-sm">Only what waits</legend>
        <div className="mb-3 flex flex-wrap gap-x-4 gap-y-1">
          {ENVIRONMENTS.map((env) => (
            <label key={env} className="flex min-h-8 items-center gap-2 text-sm">
              <input
                type="checkbox"
                checked={environments.includes(env)}
                onChange={(event) =>
                  setEnvironments((now) =>
                    event.target.checked ? [...now, env] : now.filter((other) => other !== env),
                  )
                }
              />
              in {env}
            </label>
          ))}
        </div>
        <div className="grid gap-x-3 sm:grid-cols-2">
          <Field
            label="Of agents like"
            value={agents}
            onChange={(event) => setAgents(event.target.value)}
            placeholder="billing-*"
            autoComplete="off"
            spellCheck={false}
          />
          <Field
            label="By contracts"
            value={contracts}
            onChange={(event) => setContracts(event.target.value)}
            autoComplete="off"
            spellCheck={false}
          />
        </div>
        <p className="text-muted text-xs">Nothing chosen: everything.</p>
      </fieldset>
    </FormDialog>
  )
}

const textsOf = (config: Channel['config'] | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries(config ?? {}).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : String(value),
    ]),
  )

const filled = (config: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(config).flatMap(([name, value]) => (value.trim() ? [[name, value.trim()]] : [])))

function SlackManifest({ enabled }: { enabled: boolean }) {
  const manifest = useQuery({ ...channelQueries.slackManifest(), enabled }).data
  if (!manifest) return null
  return (
    <details className="rounded-md border">
      <summary className="cursor-pointer px-3 py-2 text-sm">The manifest of the app</summary>
      <div className="flex items-start border-t">
        <pre
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
          tabIndex={0}
          className="max-h-48 min-w-0 flex-1 overflow-auto p-3 font-mono text-xs"
        >
          {manifest}
        </pre>
        <CopyButton text={manifest} what="manifest" className="m-1.5" />
      </div>
    </details>
  )
}
