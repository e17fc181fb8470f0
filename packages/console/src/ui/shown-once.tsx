import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { CopyButton } from './copy.tsx'
import { Dialog } from './dialog.tsx'
import { useUnloadGuard } from './unload-guard.ts'

interface ShownOnceProps {
  /** Null: there is nothing to show. */
  readonly parts: readonly { readonly label: string; readonly text: string }[] | null
  readonly title: string
  readonly description: string
  readonly onTaken: () => void
  readonly children?: ReactNode
}

/** What the server shows this once. It goes only when somebody says that they have it. */
export function ShownOnce({ parts, title, description, onTaken, children }: ShownOnceProps) {
  useUnloadGuard(parts !== null)
  return (
    <Dialog open={parts !== null} onOpenChange={() => {}} stays title={title} description={description}>
      <dl className="flex flex-col gap-3">
        {parts?.map(({ label, text }) => (
          <div key={label}>
            <dt className="mb-1 text-muted text-sm">{label}</dt>
            <dd className="flex items-center gap-2 rounded-md border border-allow/40 bg-allow-soft p-2 pl-3">
              <code className="min-w-0 flex-1 select-all whitespace-pre-wrap break-all font-mono text-sm">{text}</code>
              <CopyButton text={text} what={label} />
            </dd>
          </div>
        ))}
      </dl>
      {children}
      <div className="mt-5 flex justify-end">
        <Button variant="primary" onClick={onTaken}>
          I have it
        </Button>
      </div>
    </Dialog>
  )
}
