import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Gauge, Plus } from 'lucide-react'
import { useState } from 'react'
import { session } from '../../app/session.ts'
import { Button } from '../../ui/button.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { Field } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, CardHeading } from '../../ui/page.tsx'
import { SelectField } from '../../ui/select-field.tsx'
import { Empty } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { useFields } from '../../ui/use-fields.ts'
import { limitQueries, type Override, setOverride, takeBackOverride } from './queries.ts'
import { BUCKETS, bucketWords, RESOURCES, resourceWords } from './words.ts'

interface OverridesProps {
  readonly isSetting: boolean
  readonly onSetting: (open: boolean) => void
}

/** Limits in place of the tier's, for a tenant or a person. Of the whole installation. */
export function Overrides({ isSetting, onSetting }: OverridesProps) {
  const overrides = useQuery(limitQueries.overrides())
  const { ask, dialog } = useConfirmedAct()
  const grouped = new Intl.NumberFormat()
  const whose = (one: Override) => (one.user_id ? `user ${one.user_id}` : `tenant ${one.tenant_id}`)
  return (
    <Card className="mt-4 overflow-hidden">
      <CardHeading
        aside={
          <Button size="sm" onClick={() => onSetting(true)}>
            <Plus aria-hidden /> Set a limit
          </Button>
        }
      >
        Limits set by hand
      </CardHeading>
      <Loaded query={overrides}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon={Gauge} title="None, so the tier’s numbers hold">
              A limit set here for a tenant or a user takes the place of its tier’s, on every server, with the next
              request.
            </Empty>
          ) : (
            <ul aria-label="Limits set by hand" className="divide-y">
              {list.map((one) => (
                <li
                  key={one.id}
                  data-row
                  className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 px-4 py-2.5"
                >
                  <span className="min-w-0">
                    <span className="block break-words">
                      {resourceWords(one.resource_type)}: {grouped.format(one.limit_value)} {bucketWords(one.bucket)}
                    </span>
                    <code className="block truncate font-mono text-muted text-xs" title={whose(one)}>
                      {whose(one)}
                    </code>
                  </span>
                  <Button
                    variant="quiet"
                    size="sm"
                    className="hover:text-deny"
                    aria-label={`Take back the limit of ${resourceWords(one.resource_type)} for ${whose(one)}`}
                    onClick={() =>
                      ask({
                        title: 'Take this limit back?',
                        description: `${resourceWords(one.resource_type)} ${bucketWords(one.bucket)} follow the tier again, for ${whose(one)}.`,
                        action: 'Take it back',
                        run: () => takeBackOverride(one.id),
                        done: 'Limit taken back',
                        failed: 'It still holds.',
                        stale: [['limits']],
                      })
                    }
                  >
                    Take back
                  </Button>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      {dialog}
      <SetLimit open={isSetting} onOpenChange={onSetting} />
    </Card>
  )
}

const WHOM = [
  { value: 'tenant', label: 'a tenant' },
  { value: 'user', label: 'a user' },
] as const

function SetLimit({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const client = useQueryClient()
  const toasts = useToasts()
  const me = useQuery(session.me()).data
  const { fields, change, forget } = useFields('set limit', {
    resource: 'agent_execution',
    bucket: 'hourly',
    value: '',
    whom: 'tenant',
    id: '',
  })
  const [problem, setProblem] = useState<string | null>(null)
  const setting = useMutation({
    mutationFn: setOverride,
    onSuccess: () => {
      toasts.done('Limit set', 'It holds from the next request on.')
      forget()
      onOpenChange(false)
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['limits'] }),
  })
  const whom = fields.whom === 'user' ? 'user' : 'tenant'
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        setting.reset()
        setProblem(null)
        onOpenChange(next)
      }}
      title="Set a limit"
      description="Set again for the same, it is changed."
      action="Set it"
      busy={setting.isPending}
      error={problem ?? setting.error}
      onSubmit={() => {
        const value = Number(fields.value)
        const id = fields.id.trim() || (whom === 'tenant' ? me?.tenant_id : me?.user_id)
        if (!/^\d+$/.test(fields.value.trim()) || !Number.isSafeInteger(value))
          return setProblem('Give a whole number.')
        setProblem(null)
        setting.mutate({
          resource_type: fields.resource,
          bucket: fields.bucket,
          limit_value: value,
          tenant_id: whom === 'tenant' ? (id ?? null) : null,
          user_id: whom === 'user' ? (id ?? null) : null,
        })
      }}
    >
      <SelectField
        label="Of what"
        value={fields.resource}
        options={RESOURCES}
        onChange={(resource) => change({ resource })}
      />
      <div className="grid grid-cols-2 gap-3">
        <Field
          label="How many"
          inputMode="numeric"
          value={fields.value}
          onChange={(event) => change({ value: event.target.value })}
        />
        <SelectField label="In" value={fields.bucket} options={BUCKETS} onChange={(bucket) => change({ bucket })} />
      </div>
      <SelectField label="For" value={whom} options={WHOM} onChange={(next) => change({ whom: next })} />
      <Field
        label={whom === 'tenant' ? 'Tenant id' : 'User id'}
        value={fields.id}
        onChange={(event) => change({ id: event.target.value })}
        spellCheck={false}
        autoComplete="off"
        placeholder={whom === 'tenant' ? me?.tenant_id : me?.user_id}
        hint={whom === 'tenant' ? 'Empty: this tenant.' : 'Empty: you.'}
      />
    </FormDialog>
  )
}
