import { ToggleGroup } from 'radix-ui'
import { useState } from 'react'
import { type ArgumentPart, isShort, partsOf, startingView, stretchesOf, VIEWS, type View } from './argument-parts.ts'
import { Code } from './code.tsx'
import { CopyButton } from './copy.tsx'
import { diffLines } from './diff.ts'
import { DiffLines, folded } from './diff-lines.tsx'
import { visible } from './visible.ts'

const LABELS: Readonly<Record<View, string>> = { table: 'Table', text: 'Text', raw: 'Raw' }

/** The arguments of a call, to be read by who decides it: as a table, as decoded text, and as they were sent. */
export function Arguments({ value }: { value: Readonly<Record<string, unknown>> }) {
  const parts = partsOf(value)
  const [view, setView] = useState(() => startingView(parts))
  const raw = JSON.stringify(value, null, 2)
  return (
    <section aria-label="Arguments">
      <div className="mb-1.5 flex flex-wrap items-center justify-between gap-x-3 gap-y-1">
        <h3 className="font-medium text-sm">Arguments</h3>
        <span className="flex items-center gap-1">
          <ToggleGroup.Root
            type="single"
            value={view}
            onValueChange={(next) => next && setView(next as View)}
            aria-label="How the arguments are shown"
            className="flex rounded-md border p-0.5"
          >
            {VIEWS.map((one) => (
              <ToggleGroup.Item
                key={one}
                value={one}
                className="h-6 rounded px-2 text-muted text-xs data-[state=on]:bg-accent-soft data-[state=on]:text-accent max-sm:h-8"
              >
                {LABELS[one]}
              </ToggleGroup.Item>
            ))}
          </ToggleGroup.Root>
          <CopyButton text={raw} what="arguments" />
        </span>
      </div>
      {view === 'table' && <Table parts={parts} />}
      {view === 'text' && (
        <div className="flex flex-col gap-3">
          {stretchesOf(parts).map((stretch) => {
            const [first] = stretch
            return isShort(first) ? (
              <Table key={first.name} parts={stretch} />
            ) : (
              <Decoded key={first.name} part={first} />
            )
          })}
        </div>
      )}
      {view === 'raw' && <Code text={raw} language="json" label="Arguments as they were sent" />}
    </section>
  )
}

function Table({ parts }: { parts: readonly ArgumentPart[] }) {
  return (
    <dl className="divide-y rounded-md border bg-sunken text-sm">
      {parts.flatMap((part) =>
        part.kind === 'edit'
          ? [
              <TableRow key={part.before.name} name={part.before.name} type="text" text={part.before.text} />,
              <TableRow key={part.after.name} name={part.after.name} type="text" text={part.after.text} />,
            ]
          : [<TableRow key={part.name} name={part.name} type={part.type} text={part.text} />],
      )}
    </dl>
  )
}

/** Whether a value may be higher than its row: two hundred characters are seven lines on the narrowest phone. */
const isLong = (text: string) => text.length > 200 || text.split('\n').length > 7

function TableRow({ name, type, text }: { name: string; type: string; text: string }) {
  return (
    <div className="grid gap-x-3 px-3 py-1.5 sm:grid-cols-[minmax(5rem,9rem)_minmax(0,1fr)_auto]">
      <dt className="break-all font-mono text-muted text-xs leading-5">{visible(name)}</dt>
      <dd className="contents">
        <span
          // A box that scrolls must be reachable by keyboard.
          {...(isLong(text) ? { tabIndex: 0, role: 'region', 'aria-label': name } : {})}
          className="max-h-40 overflow-y-auto whitespace-pre-wrap break-words font-mono text-xs leading-5"
        >
          {text === '' ? <span className="text-muted italic">empty</span> : visible(text)}
        </span>
        <span className="text-2xs text-muted leading-5 max-sm:hidden">{type}</span>
      </dd>
    </div>
  )
}

function Decoded({ part }: { part: ArgumentPart }) {
  return (
    <div>
      <h4 className="mb-1 break-all font-mono text-muted text-xs">
        {visible(part.kind === 'edit' ? `${part.before.name} → ${part.after.name}` : part.name)}
      </h4>
      {part.kind === 'edit' ? (
        <DiffLines
          rows={folded(diffLines(part.before.text, part.after.text))}
          label={`Changes of ${part.name}`}
          className="max-h-96"
        />
      ) : (
        <Code text={part.text} language={part.language} label={part.name} />
      )}
    </div>
  )
}
