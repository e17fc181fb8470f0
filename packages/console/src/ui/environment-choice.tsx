import { RadioGroup } from 'radix-ui'
import type { ReactNode } from 'react'
import { ENVIRONMENTS, type Environment } from '../api/types.ts'

interface EnvironmentChoiceProps {
  /** Undefined while none is chosen. */
  readonly value: Environment | undefined
  readonly onChange: (value: Environment) => void
  readonly label?: string
  /** Said beside each, for example what is deployed there. */
  readonly note?: (env: Environment) => ReactNode
}

export function EnvironmentChoice({ value, onChange, label = 'Environment', note }: EnvironmentChoiceProps) {
  return (
    <fieldset>
      <legend className="mb-1.5 font-medium text-sm">{label}</legend>
      <RadioGroup.Root
        value={value ?? null}
        onValueChange={(next) => onChange(next as Environment)}
        aria-label={label}
        className="flex flex-col gap-1.5"
      >
        {ENVIRONMENTS.map((env) => (
          <RadioGroup.Item
            key={env}
            value={env}
            className="group flex min-h-10 items-center gap-3 rounded-md border px-3 py-1.5 text-left transition-colors hover:bg-hover data-[state=checked]:border-accent data-[state=checked]:bg-accent-soft"
          >
            <span
              aria-hidden
              className="grid size-4 shrink-0 place-items-center rounded-full border border-line-strong group-data-[state=checked]:border-accent"
            >
              <RadioGroup.Indicator className="size-2 rounded-full bg-accent" />
            </span>
            <span className="flex-1">{env}</span>
            {note && <span className="text-muted text-xs">{note(env)}</span>}
          </RadioGroup.Item>
        ))}
      </RadioGroup.Root>
    </fieldset>
  )
}
