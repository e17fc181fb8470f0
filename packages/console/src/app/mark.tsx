import { cn } from '../ui/cn.ts'

/** The mark: rods standing in an L. */
export function Mark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" className={cn('size-7', className)} aria-hidden="true">
      <rect width="32" height="32" rx="8" className="fill-primary" />
      <path
        d="M10 7v18h13"
        fill="none"
        className="stroke-on-primary"
        strokeWidth="3.2"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <path
        d="M16 7v12M22 7v12"
        fill="none"
        className="stroke-[#8ea2ff] dark:stroke-[#5b6ee0]"
        strokeWidth="3.2"
        strokeLinecap="round"
      />
    </svg>
  )
}
