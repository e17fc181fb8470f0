import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Suspense, useEffect, useState } from 'react'
import { createOnce } from '../../app/once.ts'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { CopyButton } from '../../ui/copy.tsx'
import { Field } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { lazily } from '../../ui/lazy.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, CardHeading } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { ShownOnce } from '../../ui/shown-once.tsx'
import { messageOf, Skeleton } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { accountQueries, beginFactor, confirmFactor, removeFactor } from './queries.ts'

const Qr = lazily(() => import('./qr.tsx').then((file) => file.Qr))

/** Codes for a lost device, until somebody has them. */
const recoveryCodes = createOnce<readonly string[]>()
/** Below this many codes that are left somebody should make new ones. */
const FEW_CODES = 3

interface SecondFactorProps {
  readonly isSettingUp: boolean
  readonly onSettingUp: (open: boolean) => void
}

export function SecondFactor({ isSettingUp, onSettingUp }: SecondFactorProps) {
  const factor = useQuery(accountQueries.secondFactor())
  const [isRemoving, setRemoving] = useState(false)
  const codes = recoveryCodes.useUntaken()
  return (
    <Card>
      <CardHeading>Second factor</CardHeading>
      <Loaded query={factor} rows={1}>
        {({ enabled, recovery_codes_left }) => (
          <div className="flex flex-wrap items-center gap-x-4 gap-y-3 p-4">
            <p className="min-w-52 flex-1 text-pretty text-muted">
              {enabled ? (
                <>
                  <Badge tone="allow">in force</Badge> A password alone lets nobody in.{' '}
                  <span className={recovery_codes_left < FEW_CODES ? 'text-ask' : undefined}>
                    {plural(recovery_codes_left, 'recovery code')} left
                  </span>
                  {recovery_codes_left < FEW_CODES && ': remove the factor and set it up again for new ones'}.
                </>
              ) : (
                'A code from an app on your phone, beside your password. Whoever learns the password then still stands outside.'
              )}
            </p>
            {enabled ? (
              <Button onClick={() => setRemoving(true)}>Remove it</Button>
            ) : (
              <Button variant="primary" onClick={() => onSettingUp(true)}>
                Set it up
              </Button>
            )}
          </div>
        )}
      </Loaded>
      {factor.data?.enabled === false && <SetUp open={isSettingUp} onOpenChange={onSettingUp} />}
      <Remove open={isRemoving} onOpenChange={setRemoving} />
      <ShownOnce
        title="Codes for a lost device"
        description="Each lets you in once without your phone. They are shown this once: keep them where the phone is not."
        parts={codes && [{ label: 'Recovery codes', text: codes.join('\n') }]}
        onTaken={recoveryCodes.take}
      />
    </Card>
  )
}

interface PartProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
}

/** Begins one, shows its secret to the phone, and puts it into force with the first code. */
function SetUp({ open, onOpenChange }: PartProps) {
  const client = useQueryClient()
  const [code, setCode] = useState('')
  const begin = useMutation({ mutationFn: beginFactor })
  const confirm = useMutation({
    mutationFn: confirmFactor,
    meta: { isEntrance: true },
    onSuccess: ({ recovery_codes }) => {
      recoveryCodes.keep(recovery_codes)
      setCode('')
      onOpenChange(false)
    },
    onSettled: () =>
      Promise.all([['second-factor'], ['members']].map((queryKey) => client.invalidateQueries({ queryKey }))),
  })
  const { mutate: start, reset } = begin
  useEffect(() => {
    if (open) start()
    else reset()
  }, [open, start, reset])
  const begun = begin.data
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        confirm.reset()
        onOpenChange(next)
      }}
      title="Set up a second factor"
      description="Scan this with an authenticator app, then type the code that it shows."
      action="Put into force"
      busy={confirm.isPending || !begun}
      error={begin.error ?? confirm.error}
      onSubmit={() => confirm.mutate(code.replaceAll(' ', ''))}
    >
      <div className="flex flex-wrap items-start gap-4">
        {begun ? (
          <Suspense fallback={<Skeleton className="size-44" />}>
            <Qr text={begun.uri} label="The secret as a code for the camera; it stands beside it as text." />
          </Suspense>
        ) : (
          <Skeleton className="size-44" />
        )}
        <div className="min-w-40 flex-1">
          <p className="mb-1 text-muted text-sm">Or type this secret into the app</p>
          <div className="flex items-center gap-1 rounded-md border bg-sunken p-1.5 pl-2.5">
            <code className="min-w-0 flex-1 select-all break-all font-mono text-xs">
              {begun?.secret.match(/.{1,4}/g)?.join(' ') ?? ' '}
            </code>
            {begun && <CopyButton text={begun.secret} what="secret" />}
          </div>
        </div>
      </div>
      <Field
        label="Code"
        value={code}
        onChange={(event) => setCode(event.target.value)}
        inputMode="numeric"
        autoComplete="one-time-code"
        maxLength={10}
      />
    </FormDialog>
  )
}

function Remove({ open, onOpenChange }: PartProps) {
  const client = useQueryClient()
  const toasts = useToasts()
  const [code, setCode] = useState('')
  const removing = useMutation({
    mutationFn: removeFactor,
    meta: { isEntrance: true },
    onSuccess: () => {
      toasts.done('Second factor removed', 'Your password alone lets you in again.')
      setCode('')
      onOpenChange(false)
    },
    onSettled: () =>
      Promise.all([['second-factor'], ['members']].map((queryKey) => client.invalidateQueries({ queryKey }))),
  })
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        removing.reset()
        onOpenChange(next)
      }}
      title="Remove the second factor"
      description="With a code of the app, or one of those for a lost device."
      action="Remove it"
      busy={removing.isPending}
      error={removing.error && messageOf(removing.error)}
      onSubmit={() => removing.mutate(code.trim())}
    >
      <Field
        label="Code"
        value={code}
        onChange={(event) => setCode(event.target.value)}
        autoComplete="one-time-code"
        maxLength={30}
      />
    </FormDialog>
  )
}
