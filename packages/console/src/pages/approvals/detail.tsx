import { Check, X } from 'lucide-react'
import { type FormEvent, type ReactNode, useEffect, useId, useRef } from 'react'
import type { Approval } from '../../api/types.ts'
import { EnvironmentTag } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { INPUT } from '../../ui/field.tsx'
import { Json } from '../../ui/json.tsx'
import { Kbd } from '../../ui/kbd.tsx'
import { duration } from '../../ui/time.ts'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { Countdown } from './countdown.tsx'
import { OUTCOME } from './row.tsx'

interface DetailProps {
  readonly approval: Approval
  /** False once it was decided or ran out; then nothing can be pressed. */
  readonly open: boolean
  readonly busy: boolean
  readonly denying: boolean
  readonly onApprove: () => void
  readonly onStartDenying: () => void
  readonly onCancelDenying: () => void
  readonly onDeny: (reason: string | null) => void
}

/** One waiting call, with all one needs to decide it: what, with which arguments, who asks, why it stopped, how long. */
export function Detail(props: DetailProps) {
  const { approval, open } = props
  return (
    <article aria-label={`${approval.tool_name} for ${approval.agent_id}`} className="flex flex-col">
      <div className="px-4 pt-4 sm:px-5">
        <div className="flex items-start justify-between gap-4 max-lg:hidden">
          <h2 className="break-all font-mono font-semibold text-lg">{visible(approval.tool_name)}</h2>
          {open && <Countdown approval={approval} className="mt-1 text-sm" />}
        </div>
        <p className="mt-1 text-pretty lg:text-muted">{visible(approval.message)}</p>
        <dl className="mt-4 grid grid-cols-[auto_minmax(0,1fr)] gap-x-5 gap-y-1.5 text-sm">
          <Fact name="Agent">
            <span className="break-all font-mono">{visible(approval.agent_id)}</span>
          </Fact>
          <Fact name="Environment">
            <EnvironmentTag env={approval.env} />
          </Fact>
          {approval.contract_name && (
            <Fact name="Contract">
              <span className="break-all font-mono">{approval.contract_name}</span>
            </Fact>
          )}
          <Fact name="Asked">
            <When at={approval.created_at} />
          </Fact>
          <Fact name="If nobody decides">
            {approval.timeout_effect === 'deny' ? 'denied' : 'allowed'} after {duration(approval.timeout_seconds)}
          </Fact>
        </dl>
        <h3 className="mt-4 mb-1.5 font-medium text-sm">Arguments</h3>
        {approval.tool_args && Object.keys(approval.tool_args).length > 0 ? (
          <Json value={approval.tool_args} what="arguments" />
        ) : (
          <p className="text-muted text-sm">The call has none.</p>
        )}
      </div>
      <footer className="mt-4 border-t bg-sunken px-4 py-3 sm:px-5">
        {!open ? <Outcome approval={approval} /> : props.denying ? <DenyForm {...props} /> : <Choice {...props} />}
      </footer>
    </article>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd>{children}</dd>
    </>
  )
}

function Choice({ busy, onApprove, onStartDenying }: DetailProps) {
  return (
    <div className="flex gap-2">
      <Button variant="allow" size="lg" busy={busy} onClick={onApprove} className="max-sm:flex-1 sm:min-w-32">
        <Check aria-hidden /> Approve <Kbd keys="A" />
      </Button>
      <Button variant="deny" size="lg" disabled={busy} onClick={onStartDenying} className="max-sm:flex-1 sm:min-w-32">
        <X aria-hidden /> Deny <Kbd keys="D" />
      </Button>
    </div>
  )
}

const REASON_MAXIMUM = 2_000

function DenyForm({ busy, onDeny, onCancelDenying }: DetailProps) {
  const id = useId()
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    form.current?.querySelector('input')?.focus({ preventScroll: true })
    form.current?.scrollIntoView({ block: 'nearest' })
  }, [])
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    onDeny(String(new FormData(event.currentTarget).get('reason')).trim() || null)
  }
  return (
    <form
      ref={form}
      onSubmit={submit}
      className="scroll-mb-3"
      onKeyDown={(event) => event.key === 'Escape' && onCancelDenying()}
    >
      <label htmlFor={id} className="mb-1.5 block font-medium text-sm">
        Why not? <span className="font-normal text-muted">The agent is told. May be empty.</span>
      </label>
      <div className="flex flex-wrap gap-2">
        <input
          id={id}
          name="reason"
          maxLength={REASON_MAXIMUM}
          autoComplete="off"
          className={`${INPUT} min-w-40 flex-1 basis-52`}
        />
        <Button type="submit" variant="deny" busy={busy} className="h-9 max-sm:flex-1">
          Deny <Kbd keys="↵" />
        </Button>
        <Button variant="quiet" onClick={onCancelDenying} className="h-9">
          Cancel
        </Button>
      </div>
    </form>
  )
}

function Outcome({ approval }: { approval: Approval }) {
  return (
    <p role="status" className="flex min-h-10 flex-wrap items-center gap-x-1.5 text-muted">
      <span className="font-medium text-ink first-letter:uppercase">{OUTCOME[approval.status]}</span>
      {approval.decided_by && <span>by {approval.decided_by}</span>}
      {approval.decided_at && <When at={approval.decided_at} />}
      {approval.decision_reason && <span>· “{approval.decision_reason}”</span>}
    </p>
  )
}
