import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { Sheet } from '../../ui/dialog.tsx'
import { Entries, Entry } from '../../ui/entries.tsx'
import { INPUT } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { Json } from '../../ui/json.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card } from '../../ui/page.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { useFields } from '../../ui/use-fields.ts'
import { removeContext, type SecurityContext, saveContext, sealQueries } from './queries.ts'

interface ContextsProps {
  readonly opened: string | undefined
  readonly onOpen: (name: string | undefined) => void
  readonly isCreating: boolean
  readonly onCreating: (open: boolean) => void
}

/** What a session may call: tools by pattern, with paths, commands, domains and rates. */
export function Contexts({ opened, onOpen, isCreating, onCreating }: ContextsProps) {
  const contexts = useQuery(sealQueries.contexts())
  const open = contexts.data?.find(({ name }) => name === opened)
  return (
    <Card className="overflow-hidden">
      <Loaded query={contexts}>
        {(list) => (
          <Entries label="Security contexts">
            {list.map((one) => (
              <Entry
                key={one.name}
                isCode
                title={one.name}
                whole={one.name}
                detail={one.description || one.capabilities.map(({ tool_pattern }) => String(tool_pattern)).join(' ')}
                onOpen={() => onOpen(one.name)}
              >
                <span className="text-muted text-xs max-sm:hidden">
                  {one.capabilities.length === 1 ? '1 capability' : `${one.capabilities.length} capabilities`}
                </span>
                {one.is_built_in ? <Badge>built in</Badge> : <Badge tone="allow">version {one.metadata.version}</Badge>}
              </Entry>
            ))}
          </Entries>
        )}
      </Loaded>
      <OneContext context={open} onClose={() => onOpen(undefined)} onChange={() => onCreating(true)} />
      <WriteContext open={isCreating} onOpenChange={onCreating} onto={open} />
    </Card>
  )
}

interface OneContextProps {
  readonly context: SecurityContext | undefined
  readonly onClose: () => void
  readonly onChange: () => void
}

function OneContext({ context, onClose, onChange }: OneContextProps) {
  const { ask, dialog } = useConfirmedAct()
  return (
    <>
      <Sheet
        open={context !== undefined}
        onOpenChange={(open) => open || onClose()}
        title={context?.name ?? ''}
        {...(context?.description ? { description: context.description } : {})}
        className="sm:max-w-xl"
      >
        {context && (
          <div className="flex flex-col gap-4">
            <p className="text-pretty text-muted text-sm">
              The first capability whose pattern and bounds hold allows a call; what is denied by name is denied before
              all. Null is no bound, an empty list is nothing.
            </p>
            {context.deny_list.length > 0 && (
              <p className="break-words text-sm">
                Denied by name: <code className="font-mono text-xs">{context.deny_list.join(' ')}</code>
              </p>
            )}
            <ul className="flex flex-col gap-3">
              {context.capabilities.map((one, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: capabilities are told apart by their order alone
                <li key={at}>
                  <Json value={bounded(one)} what={`capability ${at + 1}`} />
                </li>
              ))}
            </ul>
            {context.is_built_in ? (
              <p className="text-muted text-sm">Every deployment has it; it cannot be changed.</p>
            ) : (
              <div className="flex gap-2">
                <Button onClick={onChange}>Change it</Button>
                <Button
                  variant="deny"
                  onClick={() =>
                    ask({
                      title: `Remove the context ${context.name}?`,
                      description: 'What runs already keeps it; what would begin under it is refused.',
                      action: 'Remove context',
                      run: () => removeContext(context.name),
                      done: 'Context removed',
                      failed: 'It was not removed.',
                      stale: [['seal']],
                      onDone: onClose,
                    })
                  }
                >
                  Remove
                </Button>
              </div>
            )}
          </div>
        )}
      </Sheet>
      {dialog}
    </>
  )
}

/** What bounds it; the bounds that it does not have are left out. */
const bounded = (capability: SecurityContext['capabilities'][number]) =>
  Object.fromEntries(Object.entries(capability).filter(([, value]) => value !== null))

const EXAMPLE = {
  name: 'read-only-research',
  description: 'Reads shared files.',
  capabilities: [{ tool_pattern: 'fs.read', path_allowlist: ['/workspace/shared'] }],
  deny_list: [],
}

interface WriteContextProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
  readonly onto: SecurityContext | undefined
}

function WriteContext({ open, onOpenChange, onto }: WriteContextProps) {
  const client = useQueryClient()
  const toasts = useToasts()
  const kept = onto
    ? {
        name: onto.name,
        description: onto.description,
        capabilities: onto.capabilities.map(bounded),
        deny_list: onto.deny_list,
      }
    : EXAMPLE
  const { fields, change, forget } = useFields(`security context ${onto?.name ?? ''}`, { text: '' })
  const text = fields.text || JSON.stringify(kept, null, 2)
  const [problem, setProblem] = useState<string | null>(null)
  const saving = useMutation({
    mutationFn: saveContext,
    onSuccess: ({ name, version }) => {
      toasts.done(`Context ${name} saved`, `Version ${version}; what runs keeps the one that it began with.`)
      forget()
      onOpenChange(false)
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['seal'] }),
  })
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        saving.reset()
        setProblem(null)
        onOpenChange(next)
      }}
      title={onto ? `Change ${onto.name}` : 'Make a security context'}
      description="Tools by pattern, each with the bounds within which it may be called."
      action="Save"
      busy={saving.isPending}
      error={problem ?? saving.error}
      className="max-w-2xl"
      onSubmit={() => {
        try {
          const body: unknown = JSON.parse(text)
          setProblem(null)
          saving.mutate(body)
        } catch (error) {
          setProblem(`This is not JSON: ${error instanceof Error ? error.message : String(error)}`)
        }
      }}
    >
      <div>
        <label htmlFor="security-context" className="mb-1.5 block font-medium text-sm">
          As JSON
        </label>
        <textarea
          id="security-context"
          value={text}
          onChange={(event) => change({ text: event.target.value })}
          rows={14}
          spellCheck={false}
          className={`${INPUT} h-auto py-2 font-mono text-xs leading-5 max-sm:h-auto`}
        />
      </div>
      <p className="text-muted text-xs">
        A capability has a tool_pattern and may have path_allowlist, command_allowlist, subcommand_allowlist,
        domain_allowlist, rate_limit, max_response_size and max_concurrent.
      </p>
    </FormDialog>
  )
}
