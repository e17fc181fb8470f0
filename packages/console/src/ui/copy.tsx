import { Check, Copy, Terminal } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Button } from './button.tsx'
import { cn } from './cn.ts'

/**
 * Copies text. Without the clipboard API (plain http on another host) it falls back to a hidden field, because a key that
 * is shown once must be copyable everywhere.
 */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const field = document.createElement('textarea')
    field.value = text
    field.style.position = 'fixed'
    field.style.opacity = '0'
    const within = document.activeElement?.closest('[role="dialog"]') ?? document.body
    within.append(field)
    field.select()
    const done = document.execCommand('copy')
    field.remove()
    return done
  }
}

interface CopyButtonProps {
  readonly text: string
  /** What is copied, for screen readers: "API key". */
  readonly what: string
  readonly label?: boolean
  /** It is in the clipboard now. */
  readonly onCopied?: () => void
  readonly className?: string
}

export function CopyButton({ text, what, label = false, onCopied, className }: CopyButtonProps) {
  const [state, setState] = useState<'idle' | 'done' | 'failed'>('idle')
  useEffect(() => {
    if (state === 'idle') return
    const timer = setTimeout(() => setState('idle'), 1_800)
    return () => clearTimeout(timer)
  }, [state])
  const word = state === 'done' ? 'Copied' : state === 'failed' ? 'Select and copy' : 'Copy'
  return (
    <Button
      variant={label ? 'secondary' : 'quiet'}
      size={label ? 'md' : 'sm'}
      className={cn(label ? 'w-24' : 'px-1.5', className)}
      aria-label={`Copy ${what}`}
      onClick={async () => {
        const isDone = await copyText(text)
        setState(isDone ? 'done' : 'failed')
        if (isDone) onCopied?.()
      }}
    >
      {state === 'done' ? <Check className="text-allow" aria-hidden /> : <Copy aria-hidden />}
      {label && word}
      <span className="sr-only" role="status">
        {state === 'idle' ? '' : word}
      </span>
    </Button>
  )
}

/** A shell command to run next. */
export function Command({ command, className }: { command: string; className?: string }) {
  return (
    <div
      className={cn(
        'inline-flex max-w-full items-center gap-2 rounded-md border bg-sunken py-1 pr-1 pl-2.5',
        className,
      )}
    >
      <Terminal className="size-3.5 shrink-0 text-faint" aria-hidden />
      <code className="min-w-0 text-left font-mono text-xs [overflow-wrap:anywhere]">{command}</code>
      <CopyButton text={command} what="command" />
    </div>
  )
}
