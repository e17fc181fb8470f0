import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Field, INPUT } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { SelectField } from '../../ui/select-field.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { useFields } from '../../ui/use-fields.ts'
import { managedAgentQueries } from '../managed-agents/queries.ts'
import { workflowQueries } from '../workflows/queries.ts'
import { setSchedule } from './queries.ts'
import { inZone, localZone } from './times.ts'

const KINDS = [
  { value: 'workflow', label: 'a workflow' },
  { value: 'agent', label: 'an agent' },
] as const
const MISSED = [
  { value: 'once', label: 'One start for all' },
  { value: 'skip', label: 'None' },
] as const

interface SetProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
}

/** Sets a schedule, or sets it anew under its name. What is no pattern, zone or name the server says in its words. */
export function SetSchedule({ open, onOpenChange }: SetProps) {
  const client = useQueryClient()
  const toasts = useToasts()
  const workflows = useQuery({ ...workflowQueries.all(), enabled: open }).data ?? []
  const agents = useQuery({ ...managedAgentQueries.all(), enabled: open }).data ?? []
  const { fields, change, forget } = useFields('set schedule', {
    name: '',
    kind: 'workflow',
    target: '',
    cron: '30 2 * * *',
    timezone: localZone(),
    missed: 'once',
    input: '',
    intent: '',
  })
  const [problem, setProblem] = useState<string | null>(null)
  const kind = fields.kind === 'agent' ? 'agent' : 'workflow'
  const targets = (kind === 'workflow' ? workflows : agents).map(({ name }) => name)
  const target = targets.includes(fields.target) ? fields.target : (targets[0] ?? '')
  const setting = useMutation({
    mutationFn: setSchedule,
    onSuccess: ({ name, next_at, timezone }) => {
      toasts.done(
        `${name} is set`,
        next_at === null ? undefined : `Next: ${inZone(Date.parse(next_at), timezone ?? 'UTC')} ${timezone ?? 'UTC'}`,
      )
      forget()
      onOpenChange(false)
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['schedules'] }),
  })
  const submit = () => {
    const input = inputIn(fields.input)
    const wrong =
      fields.name.trim() === ''
        ? 'Give it a name.'
        : target === ''
          ? `There is no ${kind} yet that it could start.`
          : fields.cron.trim() === ''
            ? 'Give it a pattern.'
            : 'problem' in input
              ? input.problem
              : null
    setProblem(wrong)
    if (wrong !== null || 'problem' in input) return
    setting.mutate({
      name: fields.name.trim(),
      setting: {
        workflow: kind === 'workflow' ? target : null,
        agent: kind === 'agent' ? target : null,
        cron: fields.cron.trim(),
        timezone: fields.timezone.trim() || 'UTC',
        every_seconds: null,
        missed: fields.missed === 'skip' ? 'skip' : 'once',
        input: input.value,
        intent: fields.intent.trim() || null,
        enabled: true,
      },
    })
  }
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        setting.reset()
        setProblem(null)
        onOpenChange(next)
      }}
      title="Set a schedule"
      description="Under a name that there is, it is set anew."
      action="Set it"
      busy={setting.isPending}
      error={problem ?? setting.error}
      onSubmit={submit}
    >
      <Field
        label="Name"
        value={fields.name}
        onChange={({ target: { value } }) => change({ name: value })}
        placeholder="nightly"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
      />
      <div className="grid gap-3 sm:grid-cols-2">
        <SelectField label="It starts" value={kind} options={KINDS} onChange={(value) => change({ kind: value })} />
        <SelectField
          label={kind === 'workflow' ? 'Workflow' : 'Agent'}
          value={target}
          options={
            targets.length > 0
              ? targets.map((value) => ({ value, label: value }))
              : [{ value: '', label: `no ${kind} yet` }]
          }
          onChange={(value) => change({ target: value })}
        />
        <Field
          label="Cron pattern"
          value={fields.cron}
          onChange={({ target: { value } }) => change({ cron: value })}
          hint="minute, hour, day, month, weekday"
          className="[&_input]:font-mono"
          autoComplete="off"
          spellCheck={false}
        />
        <Field
          label="Time zone"
          value={fields.timezone}
          onChange={({ target: { value } }) => change({ timezone: value })}
          hint="whose time the pattern means"
          list="schedule-zones"
          autoComplete="off"
          spellCheck={false}
        />
        <SelectField
          label="For times that were missed"
          value={fields.missed === 'skip' ? 'skip' : 'once'}
          options={MISSED}
          onChange={(value) => change({ missed: value })}
        />
      </div>
      <datalist id="schedule-zones">
        {['UTC', ...Intl.supportedValuesOf('timeZone')].map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
      {kind === 'agent' && (
        <Field
          label="What should it do? (may be empty)"
          value={fields.intent}
          onChange={({ target: { value } }) => change({ intent: value })}
        />
      )}
      <div>
        <label htmlFor="schedule-input" className="mb-1.5 block font-medium text-sm">
          Input as JSON (may be empty)
        </label>
        <textarea
          id="schedule-input"
          value={fields.input}
          onChange={({ target: { value } }) => change({ input: value })}
          rows={3}
          spellCheck={false}
          className={`${INPUT} h-auto py-2 font-mono text-sm max-sm:h-auto`}
        />
      </div>
    </FormDialog>
  )
}

function inputIn(text: string): { readonly value: unknown } | { readonly problem: string } {
  if (text.trim() === '') return { value: null }
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    return { problem: `The input is no JSON: ${(error as Error).message}` }
  }
}
