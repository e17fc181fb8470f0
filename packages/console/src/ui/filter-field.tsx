import { Search } from 'lucide-react'
import { cn } from './cn.ts'
import { INPUT } from './field.tsx'

interface FilterFieldProps {
  readonly label: string
  readonly value: string | undefined
  readonly onChange: (value: string | undefined) => void
  readonly className?: string
}

/** Narrows a list while one types. `/` goes there, Escape clears it and leaves. */
export function FilterField({ label, value, onChange, className }: FilterFieldProps) {
  return (
    <div className={cn('relative w-full max-w-xs', className)}>
      <Search aria-hidden className="absolute top-1/2 left-2.5 size-3.5 -translate-y-1/2 text-faint" />
      <input
        type="search"
        data-search
        aria-label={label}
        placeholder={label}
        value={value ?? ''}
        onChange={(event) => onChange(event.target.value || undefined)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return
          onChange(undefined)
          event.currentTarget.blur()
        }}
        className={cn(INPUT, 'h-8.5 pl-8 text-sm max-sm:h-10')}
      />
    </div>
  )
}
