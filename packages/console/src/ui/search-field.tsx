import { Search } from 'lucide-react'
import { useDeferredValue, useEffect, useState } from 'react'
import { cn } from './cn.ts'
import { INPUT } from './field.tsx'

interface SearchFieldProps {
  readonly value: string
  readonly onChange: (value: string) => void
  /** What is searched: "Search events". */
  readonly label: string
  readonly placeholder?: string
  readonly ref?: React.Ref<HTMLInputElement>
}

/** Milliseconds of rest after which what was typed is asked for. */
const REST = 250

/** Types freely; says what was typed when the typing rests. */
export function SearchField({ value, onChange, label, placeholder = 'Search', ref }: SearchFieldProps) {
  const [text, setText] = useState(value)
  const [known, setKnown] = useState(value)
  if (known !== value) {
    setKnown(value)
    setText(value)
  }
  const settled = useDeferredValue(text)
  useEffect(() => {
    if (settled.trim() === value) return
    const timer = setTimeout(() => onChange(settled.trim()), REST)
    return () => clearTimeout(timer)
  }, [settled, value, onChange])
  return (
    <label className="relative shrink-0 max-sm:w-full sm:w-60">
      <span className="sr-only">{label}</span>
      <Search
        aria-hidden
        className="-translate-y-1/2 pointer-events-none absolute top-1/2 left-2.5 size-3.5 text-faint"
      />
      <input
        ref={ref}
        type="search"
        data-search
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return
          // What was searched for stays; the browser would clear it.
          event.preventDefault()
          event.currentTarget.blur()
        }}
        placeholder={placeholder}
        className={cn(INPUT, 'h-8.5 pl-8 text-sm max-sm:h-10')}
      />
    </label>
  )
}
