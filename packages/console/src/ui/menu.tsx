import { Check, ChevronDown, X } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { useState } from 'react'
import { Button } from './button.tsx'
import { cn } from './cn.ts'

export const MENU =
  'z-50 max-h-80 min-w-44 max-w-[min(24rem,calc(100vw-1rem))] animate-enter overflow-y-auto rounded-lg border bg-surface p-1 shadow-float'
export const MENU_ITEM =
  'flex h-8 cursor-default select-none items-center gap-2 rounded px-2 text-sm outline-none data-[highlighted]:bg-hover max-sm:h-10 [&_svg]:size-4 [&_svg]:text-faint'

export interface FilterOption {
  readonly value: string
  readonly label: string
  readonly count?: number
}

interface FilterMenuProps {
  readonly label: string
  readonly value: string | undefined
  /** The values, or how to find them, which is asked only when the menu opens. */
  readonly options: readonly FilterOption[] | (() => readonly FilterOption[])
  /** What a chosen value is called where the values are found only when the menu opens; else itself. */
  readonly nameOf?: (value: string) => string
  readonly onChange: (value: string | undefined) => void
  /** One of the values must be chosen; there is no clearing. */
  readonly required?: boolean
}

/** One filter: closed it reads "Agent" or "Agent: research-bot"; open it lists the values with how often they occur. */
export function FilterMenu({ label, value, options, nameOf, onChange, required = false }: FilterMenuProps) {
  const listed = typeof options === 'function' ? undefined : options.find((o) => o.value === value)
  const selected = value === undefined ? undefined : (listed ?? { value, label: nameOf?.(value) ?? value })
  return (
    <div className="flex min-w-0 max-w-full">
      <DropdownMenu.Root modal={false}>
        <DropdownMenu.Trigger asChild>
          <Button
            data-filter-menu
            title={selected?.label}
            className={cn(
              'min-w-0 max-w-60 shrink',
              !selected && 'border-dashed text-muted',
              selected && !required && 'rounded-r-none border-accent/40 bg-accent-soft',
            )}
          >
            <span className="truncate">
              {label}
              {selected && <span className="text-ink">: {selected.label}</span>}
            </span>
            {(!selected || required) && <ChevronDown aria-hidden />}
          </Button>
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content align="start" sideOffset={4} className={MENU}>
            <Values
              selected={selected}
              options={options}
              onChange={(next) => onChange(next === value && !required ? undefined : next)}
            />
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
      {selected && !required && (
        <Button
          size="icon"
          className="w-7 rounded-l-none border-accent/40 border-l-0 bg-accent-soft h-8.5 max-sm:h-10"
          aria-label={`Clear filter ${label}`}
          onClick={() => onChange(undefined)}
        >
          <X aria-hidden className="text-muted" />
        </Button>
      )}
    </div>
  )
}

interface ValuesProps extends Pick<FilterMenuProps, 'options'> {
  readonly selected: FilterOption | undefined
  readonly onChange: (value: string) => void
}

/** The values of a menu that is open, as they were when it opened: nothing moves under the finger that chooses. */
function Values({ selected, options, onChange }: ValuesProps) {
  const [found] = useState(() => (typeof options === 'function' ? options() : null))
  const listed = found ?? (typeof options === 'function' ? [] : options)
  const known = !selected || listed.some(({ value }) => value === selected.value) ? listed : [selected, ...listed]
  if (known.length === 0) return <p className="px-2 py-1.5 text-muted text-sm">Nothing to choose yet</p>
  return (
    <DropdownMenu.RadioGroup value={selected?.value ?? ''} onValueChange={onChange}>
      {known.map((option) => (
        <DropdownMenu.RadioItem key={option.value} value={option.value} className={MENU_ITEM}>
          <span className="grid w-4 shrink-0 place-items-center">
            <DropdownMenu.ItemIndicator>
              <Check aria-hidden />
            </DropdownMenu.ItemIndicator>
          </span>
          <span className="min-w-0 truncate" title={option.label}>
            {option.label}
          </span>
          {option.count !== undefined && (
            <span className="tabular ml-auto pl-4 text-faint text-xs">{option.count}</span>
          )}
        </DropdownMenu.RadioItem>
      ))}
    </DropdownMenu.RadioGroup>
  )
}
