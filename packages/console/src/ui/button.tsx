import type { ComponentProps } from 'react'
import { cn } from './cn.ts'

const VARIANTS = {
  primary: 'bg-primary text-on-primary hover:opacity-90',
  secondary: 'border bg-surface text-ink hover:bg-sunken',
  quiet: 'text-muted hover:bg-hover hover:text-ink',
  allow: 'border border-allow/30 bg-allow-soft text-allow hover:border-allow/60',
  deny: 'border border-deny/30 bg-deny-soft text-deny hover:border-deny/60',
} as const

const SIZES = {
  sm: 'h-7 gap-1.5 px-2.5 text-xs',
  md: 'h-8.5 gap-2 px-3 text-sm max-sm:h-10',
  lg: 'h-10 gap-2 px-4 text-base',
  icon: 'size-8 max-sm:size-10',
} as const

interface ButtonProps extends ComponentProps<'button'> {
  readonly variant?: keyof typeof VARIANTS
  readonly size?: keyof typeof SIZES
  /** Shows that the action runs; keeps the width and the focus. */
  readonly busy?: boolean
}

export const buttonClass = (variant: keyof typeof VARIANTS = 'secondary', size: keyof typeof SIZES = 'md') =>
  cn(
    'inline-flex shrink-0 select-none items-center justify-center whitespace-nowrap rounded-md font-medium transition-[background-color,border-color,opacity] duration-100',
    'disabled:cursor-not-allowed disabled:opacity-50 [&_svg]:size-4 [&_svg]:shrink-0',
    VARIANTS[variant],
    SIZES[size],
  )

export function Button({ variant, size, busy = false, className, children, onClick, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={cn(buttonClass(variant, size), busy && 'cursor-progress opacity-60', className)}
      aria-busy={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : onClick}
      {...rest}
    >
      {children}
    </button>
  )
}
