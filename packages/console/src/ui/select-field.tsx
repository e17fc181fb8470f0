import { type ComponentProps, type ReactNode, useId } from 'react'
import { cn } from './cn.ts'
import { INPUT } from './field.tsx'

interface SelectFieldProps<Value extends string>
  extends Omit<ComponentProps<'select'>, 'children' | 'onChange' | 'value'> {
  readonly label: string
  readonly value: Value
  readonly options: readonly { readonly value: Value; readonly label: string }[]
  readonly onChange: (value: Value) => void
  readonly hint?: ReactNode
  /** The label is for screen readers alone: what stands around says it. */
  readonly quiet?: boolean
}

/** One of a few values, by the browser's own list: it works on every device and with every reader. */
export function SelectField<Value extends string>({
  label,
  value,
  options,
  onChange,
  hint,
  quiet = false,
  className,
  ...rest
}: SelectFieldProps<Value>) {
  const id = useId()
  return (
    <div className={quiet ? undefined : className}>
      <label htmlFor={id} className={quiet ? 'sr-only' : 'mb-1.5 block font-medium text-sm'}>
        {label}
      </label>
      <select
        id={id}
        value={value}
        onChange={(event) => {
          const chosen = options.find((option) => option.value === event.target.value)
          if (chosen) onChange(chosen.value)
        }}
        className={cn(INPUT, 'px-2 disabled:opacity-60', quiet && className)}
        aria-describedby={hint ? `${id}-note` : undefined}
        {...rest}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      {hint && (
        <p id={`${id}-note`} className="mt-1 min-h-4.5 text-muted text-xs">
          {hint}
        </p>
      )}
    </div>
  )
}
