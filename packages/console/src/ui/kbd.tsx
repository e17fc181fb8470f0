import { cn } from './cn.ts'

/** Keys as printed on them; hidden where there is no keyboard. */
export function Kbd({ keys, className }: { keys: string; className?: string }) {
  return (
    <span aria-hidden className={cn('hidden items-center gap-0.5 [@media(hover:hover)]:inline-flex', className)}>
      {keys.split(' ').map((key) => (
        <kbd
          key={key}
          className="grid h-4.5 min-w-4.5 place-items-center rounded border border-line-strong bg-sunken px-1 font-sans text-2xs text-muted leading-none"
        >
          {key.length === 1 ? key.toUpperCase() : key}
        </kbd>
      ))}
    </span>
  )
}
