import type { UseQueryResult } from '@tanstack/react-query'
import { Play, Trash2 } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { ApiError } from '../../../api/http.ts'
import { useRefusal } from '../../../app/permission.ts'
import { Button } from '../../../ui/button.tsx'
import { CopyButton } from '../../../ui/copy.tsx'
import { Kbd } from '../../../ui/kbd.tsx'
import { Card, Page } from '../../../ui/page.tsx'
import { Failure } from '../../../ui/states.tsx'
import { Withheld } from '../../../ui/withheld.tsx'
import { type Issue, LazyEditor } from '../../contracts/shared/editing.tsx'
import { Workbench } from './workbench.tsx'

/** A manifest to read and to copy. */
export function ManifestText({ yaml }: { yaml: string }) {
  return (
    <Card className="relative h-[max(24rem,66vh)] overflow-hidden">
      <LazyEditor value={yaml} label="Manifest YAML" />
      <CopyButton text={yaml} what="manifest" className="absolute top-2 right-3" />
    </Card>
  )
}

interface ManifestActionsProps {
  /** What the manifest makes: `agent`, `workflow`. */
  readonly noun: string
  /** Why the person may do none of it. */
  readonly refusal: string | null
  /** Leads to where a new version is written. */
  readonly newVersion: ReactNode
  readonly onRemove: () => void
  readonly onRun: () => void
}

/** What can be done with something that a manifest made. */
export function ManifestActions({ noun, refusal, newVersion, onRemove, onRun }: ManifestActionsProps) {
  if (refusal !== null) return <Withheld why={refusal} className="max-w-xs" />
  return (
    <>
      <Button variant="quiet" size="icon" aria-label={`Remove the ${noun}`} onClick={onRemove}>
        <Trash2 aria-hidden />
      </Button>
      {newVersion}
      <Button variant="primary" onClick={onRun}>
        <Play aria-hidden /> Run{' '}
        <Kbd keys="r" className="[&_kbd]:border-on-primary/30 [&_kbd]:bg-transparent [&_kbd]:text-on-primary" />
      </Button>
    </>
  )
}

interface NewManifestProps {
  /** What the manifest makes, with its article: `an agent`. */
  readonly what: string
  /** What the page does, and its button: `Deploy`. */
  readonly action: string
  readonly back: ReactNode
  /** Of what a new version is written, and how reading it goes; `id` undefined: of nothing. */
  readonly id: string | undefined
  readonly base: UseQueryResult<{ readonly name: string; readonly manifest_yaml: string }>
  readonly example: string
  /** What is written is kept for the tab under this name. */
  readonly draft: string
  readonly check: (text: string) => Promise<readonly Issue[]>
  readonly onSubmit: (sent: { readonly yaml: string; readonly replaces: boolean }) => Promise<void>
}

/** The page on which a manifest, or a new version of one, is written, checked where it is wrong, and sent. */
export function NewManifest({ what, action, back, id, base, example, draft, check, onSubmit }: NewManifestProps) {
  const refusal = useRefusal('work')
  const [replaces, setReplaces] = useState(false)
  const send = async (yaml: string) => {
    try {
      await onSubmit({ yaml, replaces })
    } catch (error) {
      if (error instanceof ApiError && error.status === 409)
        throw new ApiError(409, `${error.message} Give it another version, or replace this one.`)
      throw error
    }
  }
  const ready = id === undefined ? example : base.data?.manifest_yaml
  return (
    <Page title={id === undefined ? `${action} ${what}` : `New version of ${base.data?.name ?? what}`} lead={back}>
      {refusal !== null ? (
        <Withheld why={refusal} />
      ) : base.isError ? (
        <Card>
          <Failure error={base.error} retry={() => void base.refetch()} />
        </Card>
      ) : ready === undefined ? (
        <Card className="h-[60vh]">{null}</Card>
      ) : (
        <Workbench
          key={id ?? ''}
          name={draft}
          initial={ready}
          label="Manifest YAML"
          check={check}
          action={action}
          onSubmit={send}
          options={
            <label className="flex items-center gap-2 text-sm">
              <input type="checkbox" checked={replaces} onChange={({ target }) => setReplaces(target.checked)} />
              Replace this version if it is there
            </label>
          }
        />
      )}
    </Page>
  )
}
