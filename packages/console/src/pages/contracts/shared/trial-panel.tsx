import { CircleCheck, CircleHelp, CircleSlash, Eye, TriangleAlert } from 'lucide-react'
import { type ReactNode, useId, useMemo } from 'react'
import { cn } from '../../../ui/cn.ts'
import { Field, INPUT } from '../../../ui/field.tsx'
import { visible } from '../../../ui/visible.ts'
import { type CallText, readCall, USUAL_ENVIRONMENT } from './call.ts'
import { ReasonList } from './reason-list.tsx'
import type { Trial } from './trial.ts'
import { useTrial } from './use-trial.ts'

interface CallFieldsProps {
  readonly value: CallText
  readonly onChange: (change: Partial<CallText>) => void
  /** Names that are offered. */
  readonly tools: readonly string[]
  readonly environments: readonly string[]
}

/** A call, field by field. */
export function CallFields({ value, onChange, tools, environments }: CallFieldsProps) {
  const id = useId()
  const { problems } = readCall(value)
  const field = (name: keyof CallText) => ({
    value: value[name],
    onChange: (event: { target: { value: string } }) => onChange({ [name]: event.target.value }),
    autoComplete: 'off',
    autoCapitalize: 'off',
    spellCheck: false,
  })
  const more = value.claims || value.ran || value.labels || value.output
  return (
    <div className="flex flex-col gap-0.5">
      <Field label="Tool" list={`${id}-tools`} placeholder="read_file" {...field('tool')} />
      <Area
        label="Arguments (JSON)"
        rows={4}
        placeholder={'{"path": "/etc/hosts"}'}
        error={problems.args}
        {...field('args')}
      />
      <Field label="Environment" list={`${id}-environments`} placeholder={USUAL_ENVIRONMENT} {...field('env')} />
      <div className="grid grid-cols-2 gap-3">
        <Field label="Role of the principal" {...field('role')} />
        <Field label="User" {...field('user')} />
      </div>
      <details open={more ? true : undefined} className="text-sm">
        <summary className="cursor-pointer py-1 font-medium text-muted">
          Claims, what came before, what it returns
        </summary>
        <div className="mt-2 flex flex-col gap-2">
          <Area label="Claims of the principal (JSON)" rows={2} error={problems.claims} {...field('claims')} />
          <Field label="Tools that ran before" hint="With commas between them" {...field('ran')} />
          <Field label="Labels of the session" hint="With commas between them" {...field('labels')} />
          <Area label="What the tool returns" hint="Then post contracts are asked too" rows={2} {...field('output')} />
        </div>
      </details>
      <datalist id={`${id}-tools`}>
        {tools.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <datalist id={`${id}-environments`}>
        {environments.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </div>
  )
}

interface AreaProps extends Omit<React.ComponentProps<'textarea'>, 'children'> {
  readonly label: string
  readonly hint?: string
  readonly error?: string | undefined
}

function Area({ label, hint, error, ...rest }: AreaProps) {
  const id = useId()
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block font-medium text-sm">
        {label}
      </label>
      <textarea
        id={id}
        className={cn(INPUT, 'h-auto py-2 font-mono text-xs max-sm:h-auto')}
        aria-invalid={error ? true : undefined}
        aria-describedby={`${id}-note`}
        {...rest}
      />
      <p
        id={`${id}-note`}
        className={cn('min-h-4.5 break-words text-xs', error ? 'text-deny' : 'text-muted')}
        aria-live="polite"
      >
        {error ?? hint}
      </p>
    </div>
  )
}

/** Tries the call whenever it or the text changes, and says what would happen. */
export function TrialResult({ yaml, call: text }: { yaml: string | undefined; call: CallText }) {
  const { call } = useMemo(() => readCall(text), [text])
  const trial = useTrial(yaml, call)
  if (call === null || trial === null)
    return (
      <p role="status" className="text-muted text-sm">
        {call === null && text.tool.trim() === '' ? 'Name a tool to see what would happen.' : ''}
      </p>
    )
  return <Outcome trial={trial} />
}

const OUTCOMES = {
  allow: { words: 'Allowed', look: 'bg-allow-soft text-allow', Icon: CircleCheck },
  deny: { words: 'Denied', look: 'bg-deny-soft text-deny', Icon: CircleSlash },
  pending_approval: { words: 'A person is asked', look: 'bg-ask-soft text-ask', Icon: CircleHelp },
} as const

function Outcome({ trial }: { trial: Trial }) {
  if (trial.kind === 'refused')
    return (
      <Said look="bg-sunken text-muted" icon={<TriangleAlert aria-hidden />} words="Not tried">
        {visible(trial.message)}
      </Said>
    )
  const { words, look, Icon } = OUTCOMES[trial.action]
  return (
    <div className="flex flex-col gap-3">
      <Said
        look={look}
        icon={<Icon aria-hidden />}
        words={trial.contract ? `${words} by ${visible(trial.contract)}` : words}
      >
        {trial.action !== 'allow' && trial.reason && visible(trial.reason)}
        {trial.isObserved && (
          <span className="mt-1 flex items-center gap-1.5 text-observe">
            <Eye className="size-3.5 shrink-0" aria-hidden /> A contract that only observes would have decided
            otherwise.
          </span>
        )}
      </Said>
      {trial.contracts.length === 0 ? (
        <p className="text-muted text-sm">No contract concerns this tool.</p>
      ) : (
        <ReasonList reasons={trial.contracts} />
      )}
    </div>
  )
}

interface SaidProps {
  readonly look: string
  readonly icon: ReactNode
  readonly words: string
  readonly children: ReactNode
}

function Said({ look, icon, words, children }: SaidProps) {
  return (
    <div role="status" className={cn('rounded-md px-3 py-2 text-sm', look)}>
      <p className="flex items-start gap-2 font-medium [&_svg]:mt-0.5 [&_svg]:size-4 [&_svg]:shrink-0">
        {icon}
        <span className="min-w-0 break-words">{words}</span>
      </p>
      {children && <div className="mt-1 break-words text-ink text-xs">{children}</div>}
    </div>
  )
}

interface TrialPanelProps extends CallFieldsProps {
  readonly yaml: string
  readonly className?: string
}

/** Beside an editor: a call, and what the text as it stands would do with it. */
export function TrialPanel({ yaml, className, ...fields }: TrialPanelProps) {
  return (
    <section aria-label="Try a call" className={cn('rounded-xl border bg-surface p-4 shadow-card', className)}>
      <h2 className="mb-1 font-semibold text-sm">Try a call</h2>
      <p className="mb-3 text-muted text-xs">Judged in this browser by the text as it stands. No tool runs.</p>
      <CallFields {...fields} />
      <div className="mt-3">
        <TrialResult yaml={yaml} call={fields.value} />
      </div>
    </section>
  )
}
