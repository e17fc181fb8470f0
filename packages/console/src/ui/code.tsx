import { cn } from './cn.ts'
import { highlight, type Kind, type Language } from './highlight.ts'
import { visible } from './visible.ts'

const LOOK: Readonly<Record<Kind, string>> = {
  plain: '',
  keyword: 'text-accent font-medium',
  string: 'text-allow',
  number: 'text-observe',
  comment: 'text-muted italic',
  name: 'text-ask',
}

interface CodeProps {
  readonly text: string
  readonly language: Language
  /** What it is, for those who reach the box by keyboard. */
  readonly label: string
  readonly className?: string
}

/** Text as it is, with its lines, in a box that scrolls; nothing in it is hidden. */
export function Code({ text, language, label, className }: CodeProps) {
  return (
    <section
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label={label}
      className={cn('max-h-96 overflow-auto rounded-md border bg-sunken p-3', className)}
    >
      <pre className="whitespace-pre-wrap break-words font-mono text-xs leading-5">
        {highlight(visible(text), language).map((token, index) =>
          token.kind === 'plain' ? (
            token.text
          ) : (
            // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a text never move
            <span key={index} className={LOOK[token.kind]}>
              {token.text}
            </span>
          ),
        )}
      </pre>
    </section>
  )
}
