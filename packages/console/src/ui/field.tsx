import { type ComponentProps, type ReactNode, useId } from 'react'
import { cn } from './cn.ts'

export const INPUT =
  'h-9 w-full rounded-md border border-line-strong bg-surface px-3 text-base text-ink transition-colors hover:border-faint max-sm:h-11 aria-invalid:border-deny'

interface FieldProps extends Omit<ComponentProps<'input'>, 'children'> {
  readonly label: string
  readonly hint?: ReactNode
  /** Said below the field and announced; its line is reserved, so nothing moves when it appears. */
  readonly error?: string | null | undefined
}

export function Field({ label, hint, error, className, id, ...rest }: FieldProps) {
  const generated = useId()
  const inputId = id ?? generated
  return (
    <div className={className}>
      <label htmlFor={inputId} className="mb-1.5 block font-medium text-sm">
        {label}
      </label>
      <input
        id={inputId}
        className={INPUT}
        aria-invalid={error ? true : undefined}
        aria-describedby={`${inputId}-note`}
        {...rest}
      />
      <p
        id={`${inputId}-note`}
        className={cn('mt-1 min-h-4.5 text-xs', error ? 'text-deny' : 'text-muted')}
        aria-live="polite"
      >
        {error || hint}
      </p>
    </div>
  )
}
