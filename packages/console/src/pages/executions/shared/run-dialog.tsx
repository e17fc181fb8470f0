import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '../../../ui/button.tsx'
import { cn } from '../../../ui/cn.ts'
import { Dialog } from '../../../ui/dialog.tsx'
import { INPUT } from '../../../ui/field.tsx'
import { messageOf } from '../../../ui/states.tsx'
import { useFields } from '../../../ui/use-fields.ts'
import type { Start } from '../queries.ts'

export interface RunDialogProps {
  /** What runs. */
  readonly name: string
  /** What is written is kept for the tab under this name. */
  readonly draft: string
  /** What it was asked the last time, to be changed. */
  readonly before?: { readonly intent: string | null; readonly input: unknown }
  /** JSON Schema of the input, where the manifest has one. */
  readonly inputSchema?: unknown
  /** Starts it, closes the dialog, and only then leads on: closing may change the address too. What it throws is said here. */
  readonly onStart: (start: Start) => Promise<void>
  readonly onClose: () => void
}

const textOfInput = (input: unknown): string => (input == null ? '' : JSON.stringify(input, null, 2))

/** What an agent or a workflow is asked, and what it is given. */
export default function RunDialog({ name, draft, before, inputSchema, onStart, onClose }: RunDialogProps) {
  const form = useFields(draft, {
    intent: before?.intent ?? '',
    input: textOfInput(before?.input),
  })
  const { intent, input } = form.fields
  const [isChecked, setChecked] = useState(false)
  const start = useMutation({
    mutationFn: (given: unknown) => onStart({ intent: intent.trim() || null, input: given }),
    onSuccess: form.forget,
  })
  const parsed = parse(input)
  const nothing = intent.trim() === '' && input.trim() === ''
  const problem = !isChecked ? null : nothing ? 'Say what it should do, or give it an input.' : parsed.problem
  const submit = () => {
    setChecked(true)
    if (!nothing && parsed.problem === null && !start.isPending) start.mutate(parsed.value)
  }
  return (
    <Dialog open onOpenChange={(open) => open || onClose()} title={`Run ${name}`} className="max-w-xl">
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit()
        }}
      >
        <label className="block">
          <span className="mb-1.5 block font-medium text-sm">What should it do?</span>
          <textarea
            rows={3}
            value={intent}
            onChange={(event) => form.change({ intent: event.target.value })}
            className={cn(INPUT, 'h-auto max-sm:h-auto py-2')}
          />
        </label>
        <label className="block">
          <span className="mb-1.5 block font-medium text-sm">
            Input <span className="font-normal text-muted">as JSON, if it takes any</span>
          </span>
          <textarea
            rows={6}
            value={input}
            spellCheck={false}
            aria-invalid={isChecked && parsed.problem !== null ? true : undefined}
            onChange={(event) => form.change({ input: event.target.value })}
            className={cn(INPUT, 'h-auto max-sm:h-auto py-2 font-mono text-xs')}
          />
        </label>
        {inputSchema !== undefined && (
          <details className="text-sm">
            <summary className="cursor-pointer text-muted">What the input must be</summary>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
            <pre tabIndex={0} className="mt-2 max-h-40 overflow-auto rounded-md border bg-sunken p-3 font-mono text-xs">
              {JSON.stringify(inputSchema, null, 2)}
            </pre>
          </details>
        )}
        <p role="alert" className="min-h-5 whitespace-pre-line break-words text-deny text-sm">
          {problem ?? (start.isError ? messageOf(start.error) : null)}
        </p>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" busy={start.isPending}>
            Run
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function parse(text: string): { readonly value: unknown; readonly problem: string | null } {
  if (text.trim() === '') return { value: null, problem: null }
  try {
    return { value: JSON.parse(text), problem: null }
  } catch (error) {
    return { value: null, problem: `The input is no JSON: ${(error as Error).message}` }
  }
}
