import { ArrowLeft, Check, X } from 'lucide-react'
import { type FormEvent, type ReactNode, useEffect, useId, useRef } from 'react'
import type { Approval } from '../../api/types.ts'
import { Arguments } from '../../ui/arguments.tsx'
import { EnvironmentTag } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { INPUT } from '../../ui/field.tsx'
import { Kbd } from '../../ui/kbd.tsx'
import { useSettled } from '../../ui/settled.ts'
import { Skeleton } from '../../ui/states.tsx'
import { duration } from '../../ui/time.ts'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { Asker } from './asker.tsx'
import type { Act, Deciding, Decision } from './deciding.ts'
import { Outcome } from './outcome.tsx'
import { Countdown } from './shared/countdown.tsx'

interface DetailProps {
  readonly approval: Approval
  readonly state: Deciding
  readonly act: (act: Act) => void
  /** False once it was decided or ran out; then nothing can be pressed. */
  readonly open: boolean
  /** The server does not answer. */
  readonly away: boolean
  /** Leads back to the list, where list and call do not stand side by side. */
  readonly onBack: (() => void) | null
}

/**
 * One call, with all one needs to decide it: what, with which arguments, who asks, why it stopped, how long. Its text
 * scrolls; the buttons stay in view at every height.
 */
export function Detail(props: DetailProps) {
  const { approval, state, open, onBack } = props
  const article = useRef<HTMLElement>(null)
  useEffect(() => {
    // Where the call takes the list's place, the focus goes with it.
    if (onBack) article.current?.focus({ preventScroll: true })
  }, [onBack])
  return (
    <article
      ref={article}
      tabIndex={-1}
      data-reading
      aria-label={`${visible(approval.tool_name)} for ${visible(approval.agent_id)}`}
      className="flex min-h-0 flex-1 flex-col outline-none"
    >
      <header className="flex shrink-0 items-start gap-3 border-b px-4 py-3 sm:px-5">
        {onBack && (
          <Button variant="quiet" size="icon" aria-label="Back to the list" onClick={onBack} className="-my-1 -ml-2">
            <ArrowLeft aria-hidden />
          </Button>
        )}
        <h2 className="line-clamp-3 min-w-0 flex-1 font-mono font-semibold text-lg [overflow-wrap:anywhere] max-sm:text-base">
          {visible(approval.tool_name)}
        </h2>
        {open && <Countdown approval={approval} className="mt-1 text-sm" />}
      </header>
      <section
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        tabIndex={0}
        aria-label="What is asked"
        className="min-h-0 flex-1 overflow-y-auto px-4 py-3 focus-visible:-outline-offset-2 sm:px-5"
      >
        <p className="whitespace-pre-wrap break-words">{visible(approval.message)}</p>
        <dl className="mt-4 grid grid-cols-[auto_minmax(0,1fr)] gap-x-5 gap-y-1.5 text-sm">
          {approval.tool_name.length > HEADING && (
            <Fact name="Tool">
              <span className="break-all font-mono">{visible(approval.tool_name)}</span>
            </Fact>
          )}
          <Fact name="Agent">
            <span className="mr-2 font-mono [overflow-wrap:anywhere]">{visible(approval.agent_id)}</span>
            <Asker approval={approval} />
          </Fact>
          <Fact name="Environment">
            <EnvironmentTag env={approval.env} />
          </Fact>
          {approval.contract_name && (
            <Fact name="Contract">
              <span className="break-all font-mono">{visible(approval.contract_name)}</span>
            </Fact>
          )}
          <Fact name="Asked">
            <When at={approval.created_at} />
          </Fact>
          <Fact name="If nobody decides">
            {approval.timeout_effect === 'allow' ? 'allowed' : 'denied'} after {duration(approval.timeout_seconds)}
          </Fact>
        </dl>
        <div className="mt-4">
          {approval.tool_args_shortened ? (
            <Skeleton className="h-20" />
          ) : approval.tool_args && Object.keys(approval.tool_args).length > 0 ? (
            <Arguments value={approval.tool_args as Readonly<Record<string, unknown>>} />
          ) : (
            <p className="text-muted text-sm">The call has no arguments.</p>
          )}
        </div>
      </section>
      <footer className="shrink-0 border-t bg-sunken px-4 py-3 sm:px-5">
        {state.form === approval.id ? (
          <DenyForm {...props} />
        ) : open && !isOver(state.decisions.get(approval.id)) ? (
          <Choice {...props} />
        ) : (
          <Ending {...props} />
        )}
      </footer>
    </article>
  )
}

/** Characters of a tool's name that the heading surely shows; a longer one is written out below it. */
const HEADING = 40

const isOver = (decision: Decision | undefined) => decision !== undefined && decision.kind !== 'failed'

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd>{children}</dd>
    </>
  )
}

function Choice({ approval, state, act, away }: DetailProps) {
  const { id } = approval
  const armed = state.armed === id
  const isUnread = approval.tool_args_shortened === true
  // On a phone the call takes the place of the row that was tapped: the second half of a double tap decides nothing. A key
  // on the button, which clicks without a pointer, is meant for it.
  const isSettled = useSettled()
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <div className="flex flex-1 gap-2">
        <Button
          variant="allow"
          size="lg"
          disabled={away || isUnread}
          aria-disabled={!isSettled || undefined}
          onClick={({ detail }) => (isSettled || detail === 0) && act({ type: 'approve', id, by: 'button' })}
          className="max-sm:min-w-0 max-sm:flex-1 max-sm:px-2 sm:min-w-32"
        >
          <Check aria-hidden /> Approve {armed && <Kbd keys="A" />}
        </Button>
        <Button
          variant="deny"
          size="lg"
          disabled={away}
          onClick={() => act({ type: 'open form', id, by: 'button' })}
          className="max-sm:min-w-0 max-sm:flex-1 max-sm:px-2 sm:min-w-32"
        >
          <X aria-hidden /> Deny {armed && <Kbd keys="D" />}
        </Button>
      </div>
      {away && <p className="text-muted text-sm">Nothing can be decided until the server answers.</p>}
    </div>
  )
}

/** The call is over, or a decision about it is under way. */
function Ending({ approval, state, open }: DetailProps) {
  const decision = state.decisions.get(approval.id)
  if (approval.status === 'pending' && decision?.kind === 'held')
    return <p className="flex min-h-10 items-center text-muted">Approving in a moment. It can still be undone.</p>
  if (approval.status === 'pending' && (decision?.kind === 'sending' || (open && decision?.kind === 'done')))
    return <p className="flex min-h-10 items-center text-muted">Sending…</p>
  return <Outcome approval={approval} />
}

/** Characters the server takes. */
const REASON_MAXIMUM = 2_000

function DenyForm(props: DetailProps) {
  const { approval, state, act, open, away } = props
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const decision = state.decisions.get(approval.id)
  const isInert = !open || isOver(decision)
  const isSettled = useSettled()
  useEffect(() => input.current?.focus({ preventScroll: true }), [])
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    act({ type: 'deny' })
  }
  return (
    <form
      onSubmit={submit}
      noValidate
      onKeyDown={(event) => {
        // Held down since it opened the form, the key would send it too.
        if (event.key === 'Enter' && event.repeat) event.preventDefault()
        if (event.key !== 'Escape') return
        event.stopPropagation()
        act({ type: 'close form' })
      }}
    >
      {isInert && <Ending {...props} />}
      <label htmlFor={id} className="mb-1.5 block font-medium text-sm">
        Why not?{' '}
        <span className="font-normal text-muted">
          {isInert
            ? 'No longer sent. Escape closes this.'
            : away
              ? 'Not sent until the server answers.'
              : 'The agent is told. May be empty.'}
        </span>
      </label>
      <div className="flex flex-wrap gap-2">
        <input
          ref={input}
          id={id}
          name="reason"
          maxLength={REASON_MAXIMUM}
          autoComplete="off"
          readOnly={isInert}
          value={state.reasons.get(approval.id) ?? ''}
          onChange={(event) => act({ type: 'write', reason: event.target.value })}
          className={`${INPUT} min-w-40 flex-1 basis-52 read-only:text-muted`}
        />
        {!isInert && (
          <Button
            type="submit"
            variant="deny"
            disabled={away}
            aria-disabled={!isSettled || undefined}
            // A tap that opened the form, and not the key in its field, which clicks too.
            onClick={(event) => !isSettled && event.detail > 0 && event.preventDefault()}
            className="h-9 max-sm:h-11 max-sm:flex-1"
          >
            Deny <Kbd keys="↵" />
          </Button>
        )}
        <Button variant="quiet" onClick={() => act({ type: 'close form' })} className="h-9 max-sm:h-11">
          {isInert ? 'Close' : 'Cancel'} {isInert && <Kbd keys="Esc" />}
        </Button>
      </div>
    </form>
  )
}
