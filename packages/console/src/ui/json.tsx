import { cn } from './cn.ts'
import { CopyButton } from './copy.tsx'
import { visible } from './visible.ts'

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** JSON with quiet colours: keys strong, strings green, the rest as it is. */
export function Json({ value, what, className }: { value: unknown; what: string; className?: string }) {
  const text = JSON.stringify(value, null, 2) ?? 'null'
  const shown = visible(text)
  return (
    <div className={cn('group relative rounded-md border bg-sunken', className)}>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        tabIndex={0}
        className="max-h-96 overflow-auto whitespace-pre-wrap break-words p-3 pr-10 font-mono text-xs leading-5"
      >
        {coloured(shown)}
      </pre>
      <CopyButton text={text} what={what} className="absolute top-1 right-1" />
    </div>
  )
}

function coloured(text: string) {
  const parts: React.ReactNode[] = []
  let end = 0
  for (const match of text.matchAll(TOKEN)) {
    parts.push(text.slice(end, match.index))
    const [whole, string, colon] = match
    const look = string ? (colon ? 'text-ink' : 'text-allow') : 'text-accent'
    parts.push(
      <span key={match.index} className={look}>
        {string ?? whole}
      </span>,
      colon ?? '',
    )
    end = match.index + whole.length
  }
  parts.push(text.slice(end))
  return parts
}
