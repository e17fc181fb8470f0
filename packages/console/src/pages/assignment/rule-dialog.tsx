import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useId, useState } from 'react'
import { type AssignmentRule, ENVIRONMENTS } from '../../api/types.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { EnvironmentChoice } from '../../ui/environment-choice.tsx'
import { Field } from '../../ui/field.tsx'
import { messageOf } from '../../ui/states.tsx'
import { useFields } from '../../ui/use-fields.ts'
import { bundleQueries } from '../contracts/queries.ts'
import { type RuleFields, saveRule } from './queries.ts'
import { tagsOf, tagsText } from './tags.ts'

interface RuleDialogProps {
  /** Null for a new one. */
  readonly rule: AssignmentRule | null
  /** Priorities of the rules there are. */
  readonly taken: readonly number[]
  readonly onClose: () => void
}

type Problems = Partial<Record<'priority' | 'pattern' | 'tags' | 'bundle' | 'env', string>>

/** A rule: which agents, where, and the bundle they are to run. */
export function RuleDialog({ rule, taken, onClose }: RuleDialogProps) {
  const client = useQueryClient()
  const bundles = useQuery(bundleQueries.all()).data ?? []
  const names = useId()
  const { fields, change, forget } = useFields(`rule ${rule?.id ?? 'new'}`, {
    priority: String(rule?.priority ?? Math.max(0, ...taken) + 10),
    pattern: rule?.pattern ?? '',
    tags: tagsText(rule?.tag_match ?? null),
    bundle: rule?.bundle_name ?? '',
    env: rule?.env ?? '',
  })
  const [problems, setProblems] = useState<Problems>({})
  const save = useMutation({
    mutationFn: (body: RuleFields) => saveRule(rule?.id ?? null, body),
    onSuccess: () => {
      forget()
      onClose()
    },
    onSettled: () =>
      client.invalidateQueries({
        predicate: ({ queryKey }) => ['rules', 'resolved', 'registrations'].includes(String(queryKey[0])),
      }),
  })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const found: { -readonly [K in keyof Problems]: Problems[K] } = {}
    let tag_match: RuleFields['tag_match'] = null
    if (!/^\d{1,9}$/.test(fields.priority.trim())) found.priority = 'A whole number, from 0.'
    if (fields.pattern.trim() === '') found.pattern = 'Say which agents: * stands for any letters.'
    if (fields.bundle.trim() === '') found.bundle = 'Say which bundle.'
    if (fields.env === '') found.env = 'Choose where.'
    try {
      tag_match = tagsOf(fields.tags)
    } catch (error) {
      found.tags = messageOf(error)
    }
    // What the wire takes for unchanged cannot be cleared.
    if (rule?.tag_match && tag_match === null && !found.tags) tag_match = {}
    setProblems(found)
    if (Object.keys(found).length > 0) return
    save.mutate({
      priority: Number(fields.priority),
      pattern: fields.pattern.trim(),
      tag_match,
      bundle_name: fields.bundle.trim(),
      env: fields.env,
    })
  }
  return (
    <Dialog
      open
      onOpenChange={(open) => open || onClose()}
      title={rule ? 'Change the rule' : 'New rule'}
      description="Of all rules that name an agent in its environment, the one with the smallest priority decides."
    >
      <form onSubmit={submit} noValidate className="flex flex-col gap-2">
        <Field
          label="Agents"
          value={fields.pattern}
          onChange={(event) => change({ pattern: event.target.value })}
          placeholder="support-*"
          maxLength={200}
          autoComplete="off"
          spellCheck={false}
          hint="Their ids; * stands for any letters, ? for one."
          error={problems.pattern}
        />
        <Field
          label="Tags"
          value={fields.tags}
          onChange={(event) => change({ tags: event.target.value })}
          placeholder="team=ml, tier=1"
          autoComplete="off"
          spellCheck={false}
          hint="All of them must be the agent’s; empty for any."
          error={problems.tags}
        />
        <Field
          label="Bundle"
          value={fields.bundle}
          onChange={(event) => change({ bundle: event.target.value })}
          list={names}
          maxLength={128}
          autoComplete="off"
          error={problems.bundle}
        />
        <datalist id={names}>
          {bundles.map(({ name }) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <EnvironmentChoice value={ENVIRONMENTS.find((one) => one === fields.env)} onChange={(env) => change({ env })} />
        <p role="alert" className="min-h-4.5 text-deny text-xs">
          {problems.env}
        </p>
        <Field
          label="Priority"
          inputMode="numeric"
          value={fields.priority}
          onChange={(event) => change({ priority: event.target.value })}
          hint="The smallest decides."
          error={problems.priority}
        />
        <p role="alert" className="min-h-5 text-deny text-sm">
          {save.isError && messageOf(save.error)}
        </p>
        <div className="flex justify-end gap-2">
          <Button
            onClick={() => {
              forget()
              onClose()
            }}
          >
            Cancel
          </Button>
          <Button type="submit" variant="primary" busy={save.isPending}>
            {rule ? 'Save rule' : 'Make rule'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
