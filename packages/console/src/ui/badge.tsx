import { CircleCheck, CircleHelp, CircleSlash, Eye, type LucideIcon } from 'lucide-react'
import { memo, type ReactNode } from 'react'
import { cn } from './cn.ts'
import { lookOf, type Tone } from './verdict.ts'

const TONES: Readonly<Record<Tone, string>> = {
  allow: 'bg-allow-soft text-allow',
  deny: 'bg-deny-soft text-deny',
  ask: 'bg-ask-soft text-ask',
  observe: 'bg-observe-soft text-observe',
  neutral: 'bg-sunken text-muted',
}

const ICONS: Readonly<Partial<Record<Tone, LucideIcon>>> = {
  allow: CircleCheck,
  deny: CircleSlash,
  ask: CircleHelp,
  observe: Eye,
}

export function Badge({
  tone = 'neutral',
  className,
  children,
}: {
  tone?: Tone
  className?: string
  children: ReactNode
}) {
  return (
    <span
      className={cn(
        'inline-flex h-5 max-w-full items-center gap-1 overflow-hidden whitespace-nowrap rounded px-1.5 font-medium text-2xs [&_svg]:size-3 [&_svg]:shrink-0',
        TONES[tone],
        className,
      )}
    >
      {children}
    </span>
  )
}

/** Drawn anew only when it says something else: a list that is live has one in each row. */
export const VerdictBadge = memo(function VerdictBadge({
  verdict,
  className,
}: {
  verdict: string
  className?: string
}) {
  const { tone, label } = lookOf(verdict)
  const Icon = ICONS[tone]
  return (
    <Badge tone={tone} {...(className ? { className } : {})}>
      {Icon && <Icon aria-hidden />}
      <span className="truncate" title={label}>
        {label}
      </span>
    </Badge>
  )
})

const ENVIRONMENT_TONES: Readonly<Record<string, string>> = {
  production: 'bg-ink',
  staging: 'bg-accent',
  development: 'bg-faint',
}

/** An environment, with a dot that is strongest for production. */
export function EnvironmentTag({ env, className }: { env: string; className?: string }) {
  return (
    <span className={cn('inline-flex items-center gap-1.5 whitespace-nowrap text-muted text-xs', className)}>
      <span aria-hidden className={cn('size-1.5 rounded-full', ENVIRONMENT_TONES[env] ?? 'bg-faint')} />
      {env}
    </span>
  )
}
