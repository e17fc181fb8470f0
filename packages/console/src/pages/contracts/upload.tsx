import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { useRefusal } from '../../app/permission.ts'
import { BackLink } from '../../ui/back-link.tsx'
import { Button } from '../../ui/button.tsx'
import { drafts } from '../../ui/draft.ts'
import { Kbd } from '../../ui/kbd.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { Failure, messageOf } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { useUnloadGuard } from '../../ui/unload-guard.ts'
import { useFields } from '../../ui/use-fields.ts'
import { Withheld } from '../../ui/withheld.tsx'
import { eventQueries } from '../events/queries.ts'
import type { EditorHandle } from './editor.tsx'
import { EXAMPLE_BUNDLE } from './example.ts'
import { type Issue, issuesOf } from './issues.ts'
import { useSeen } from './language/use-seen.ts'
import { bundleQueries, uploadBundle } from './queries.ts'
import { BundleEditor } from './shared/bundle-editor.tsx'
import { argumentsText, NO_CALL } from './shared/call.ts'
import { EditorKeys, FileButton } from './shared/editing.tsx'
import { TrialPanel } from './shared/trial-panel.tsx'
import { bundleOf, type Subject, subjectOf } from './starting.ts'

/** Characters the server accepts in one bundle. */
const BUNDLE_MAXIMUM = 1_048_576

/** A new bundle, or a new version of one: paste, drop or open a file, see what is wrong where it is, upload. */
export function UploadPage() {
  const { from, version, tool, event } = useSearch({ from: '/inside/contracts/new' })
  const isBegun = event !== undefined || tool !== undefined
  const chosen = useQuery({ ...eventQueries.one(event ?? ''), enabled: event !== undefined })
  const newest = useQuery({ ...eventQueries.newestOf(tool ?? ''), enabled: event === undefined && tool !== undefined })
  const recorded = event === undefined ? newest : chosen
  const subject = recorded.data ? subjectOf(recorded.data) : tool ? { tool, args: {}, verdict: null } : null
  const base = useQuery({
    ...bundleQueries.yaml(from ?? '', version ?? 0),
    enabled: from !== undefined && version !== undefined,
  })
  const title = from ? `New version of ${from}` : 'Upload a bundle'
  const ready = isBegun
    ? recorded.isPending || subject === null
      ? undefined
      : bundleOf(subject)
    : from === undefined || version === undefined
      ? EXAMPLE_BUNDLE
      : base.data
  return (
    <Page title={title} lead={<BackLink to="/contracts">All bundles</BackLink>}>
      {base.isError || (recorded.isError && subject === null) ? (
        <Card>
          <Failure
            error={base.error ?? recorded.error}
            retry={() => void (base.isError ? base.refetch() : recorded.refetch())}
          />
        </Card>
      ) : ready === undefined ? (
        <Card className="h-[60vh]">{null}</Card>
      ) : (
        <Workbench
          key={`${from} ${version} ${tool} ${event}`}
          name={`bundle ${from ?? ''} ${version ?? ''} ${tool ?? ''} ${event ?? ''}`.trimEnd()}
          initial={ready}
          subject={subject}
        />
      )}
    </Page>
  )
}

interface WorkbenchProps {
  readonly name: string
  readonly initial: string
  /** The call that it is begun for, which one tries first. */
  readonly subject: Subject | null
}

function Workbench({ name, initial, subject }: WorkbenchProps) {
  const [restored] = useState(() => drafts.read(name))
  const [text, setText] = useState(restored ?? initial)
  const isDirty = text !== initial
  useEffect(() => drafts.write(name, isDirty ? text : null), [name, text, isDirty])
  useUnloadGuard(isDirty)
  const [refused, setRefused] = useState<{ text: string; issues: readonly Issue[] } | null>(null)
  const editor = useRef<EditorHandle>(null)
  const navigate = useNavigate()
  const client = useQueryClient()
  const toasts = useToasts()
  const refusal = useRefusal('work')
  const seen = useSeen()
  const { fields: call, change: setCall } = useFields(`call ${name}`, {
    ...NO_CALL,
    ...(subject ? { tool: subject.tool, args: argumentsText(subject.args) } : {}),
  })

  const upload = useMutation({
    mutationFn: uploadBundle,
    onSuccess: (bundle) => {
      drafts.write(name, null)
      void client.invalidateQueries({ queryKey: ['bundles'] })
      toasts.done(
        `${bundle.name} v${bundle.version} uploaded`,
        bundle.warnings?.[0]?.message ?? 'Deploy it when you are ready.',
      )
      void navigate({ to: '/contracts/$name', params: { name: bundle.name }, search: { version: bundle.version } })
    },
    onError: (error, sent) => {
      const issues = issuesOf(error)
      setRefused({ text: sent, issues })
      if (issues[0]?.line) editor.current?.reveal(issues[0])
    },
  })

  const tooLong = text.length > BUNDLE_MAXIMUM
  const submit = () => {
    if (refusal === null && !tooLong && !upload.isPending && text.trim() !== '') upload.mutate(text)
  }
  const open = async (file: File | undefined) => {
    if (file) setText(await file.text())
  }
  const general = upload.isError && refused?.issues.length === 0 ? messageOf(upload.error) : null

  return (
    <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_21rem]">
      <div className="flex min-w-0 flex-col gap-3">
        <Card
          className="overflow-hidden"
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault()
            void open(event.dataTransfer.files[0])
          }}
        >
          <BundleEditor
            text={text}
            onChange={setText}
            seen={seen}
            label="Bundle YAML"
            onSubmit={submit}
            refused={refused && refused.text === text && refused.issues.length > 0 ? refused.issues : undefined}
            editor={editor}
            autoFocus
            className="h-[max(26rem,min(44rem,72vh))]"
            head={
              <>
                {restored !== null && isDirty && (
                  <span className="flex items-center gap-1 text-muted text-sm">
                    What you wrote was kept.
                    <Button variant="quiet" size="sm" onClick={() => setText(initial)}>
                      Start over
                    </Button>
                  </span>
                )}
                <FileButton label="Bundle file" onFile={open} />
              </>
            }
          />
        </Card>
        {refusal !== null && <Withheld why={`Uploading: ${refusal}`} />}
        <div className="flex items-center justify-end gap-3">
          <p role="alert" className="min-w-0 flex-1 text-deny text-sm">
            {tooLong ? 'A bundle may have at most 1,048,576 characters.' : general}
          </p>
          {refusal === null && (
            <Button
              variant="primary"
              size="lg"
              busy={upload.isPending}
              disabled={tooLong || text.trim() === ''}
              onClick={submit}
            >
              Upload{' '}
              <Kbd
                keys="Ctrl ↵"
                className="[&_kbd]:border-on-primary/30 [&_kbd]:bg-transparent [&_kbd]:text-on-primary"
              />
            </Button>
          )}
        </div>
        <EditorKeys />
      </div>
      <TrialPanel
        yaml={text}
        value={call}
        onChange={setCall}
        tools={seen.tools.map((tool) => tool.name)}
        environments={seen.environments}
      />
    </div>
  )
}
