import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Stamp } from 'lucide-react'
import { useState } from 'react'
import { createOnce } from '../../app/once.ts'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { Entries, Entry, GraveButton } from '../../ui/entries.tsx'
import { Field } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card } from '../../ui/page.tsx'
import { SelectField } from '../../ui/select-field.tsx'
import { ShownOnce } from '../../ui/shown-once.tsx'
import { Empty } from '../../ui/states.tsx'
import { useFields } from '../../ui/use-fields.ts'
import { When } from '../../ui/when.tsx'
import { type RegisteredWorkload, registerWorkload, revokeWorkload, sealQueries } from './queries.ts'

/** The address of a workload, until somebody has it. */
const addresses = createOnce<RegisteredWorkload>()

interface WorkloadsProps {
  readonly isCreating: boolean
  readonly onCreating: (open: boolean) => void
}

export function Workloads({ isCreating, onCreating }: WorkloadsProps) {
  const workloads = useQuery(sealQueries.workloads())
  const { ask, dialog } = useConfirmedAct()
  return (
    <Card className="overflow-hidden">
      <Loaded query={workloads}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon={Stamp} title="No workload is registered">
              A program of your own attests at an address that only it knows, and then calls tools under a security
              context, each call signed.
            </Empty>
          ) : (
            <Entries label="Workloads">
              {list.map((one) => (
                <Entry
                  key={one.workload_id}
                  isCode
                  title={one.workload_id}
                  whole={one.workload_id}
                  detail={
                    <>
                      {one.allowed_contexts.join(', ')}; registered <When at={one.created_at} />
                      {one.expires_at && `, until ${new Date(one.expires_at).toLocaleString()}`}
                    </>
                  }
                >
                  <GraveButton
                    label={`Revoke ${one.workload_id}`}
                    onClick={() =>
                      ask({
                        title: `Revoke ${one.workload_id}?`,
                        description: 'Its address is taken back and its sessions end at once, on every server.',
                        action: 'Revoke workload',
                        run: () => revokeWorkload(one.workload_id),
                        done: 'Workload revoked',
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
      <Register open={isCreating} onOpenChange={onCreating} />
      <Address />
    </Card>
  )
}

function Register({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const client = useQueryClient()
  const contexts = useQuery({ ...sealQueries.contexts(), enabled: open }).data ?? []
  const { fields, change, forget } = useFields('register workload', { id: '', context: 'default' })
  const [isMissing, setMissing] = useState(false)
  const registering = useMutation({
    mutationFn: registerWorkload,
    onSuccess: (registered) => {
      addresses.keep(registered)
      forget()
      onOpenChange(false)
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['seal'] }),
  })
  const names = contexts.length > 0 ? contexts.map(({ name }) => name) : [fields.context]
  const context = names.includes(fields.context) ? fields.context : (names[0] ?? 'default')
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        registering.reset()
        onOpenChange(next)
      }}
      title="Register a workload"
      description="Registered again, it gets a new address and the former one ends."
      action="Register"
      busy={registering.isPending}
      error={registering.error}
      onSubmit={() => {
        const id = fields.id.trim()
        setMissing(id === '')
        if (id) registering.mutate({ workload_id: id, allowed_contexts: [context], expires_at: null })
      }}
    >
      <Field
        label="Name of the workload"
        value={fields.id}
        onChange={(event) => change({ id: event.target.value })}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        error={isMissing && fields.id.trim() === '' ? 'Give it a name.' : null}
      />
      <SelectField
        label="Security context"
        value={context}
        options={names.map((value) => ({ value, label: value }))}
        onChange={(value) => change({ context: value })}
        hint="What it may call. The tab Security contexts has them in full."
      />
    </FormDialog>
  )
}

function Address() {
  const registered = addresses.useUntaken()
  return (
    <ShownOnce
      title={registered ? `Workload ${registered.workload_id}` : 'Workload'}
      description="Whoever knows this address may attest as this workload. It is shown this once."
      parts={registered && [{ label: 'Gateway address', text: registered.gateway_url }]}
      onTaken={addresses.take}
    />
  )
}
