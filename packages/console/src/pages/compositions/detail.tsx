import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { FlaskConical, Rocket, Trash2, Unlink } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { ApiError } from '../../api/http.ts'
import { useRefusal } from '../../app/permission.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { BackLink } from '../../ui/back-link.tsx'
import { Button } from '../../ui/button.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { drafts } from '../../ui/draft.ts'
import { EnvironmentChoice } from '../../ui/environment-choice.tsx'
import { Field } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { Kbd } from '../../ui/kbd.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { SelectField } from '../../ui/select-field.tsx'
import { Empty, Failure, messageOf, SkeletonRows } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { useUnloadGuard } from '../../ui/unload-guard.ts'
import { When } from '../../ui/when.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import {
  CheckVerdict,
  type EditorHandle,
  IssueList,
  issueOfContract,
  LazyEditor,
} from '../contracts/shared/editing.tsx'
import { Members } from './member-list.tsx'
import { type Draft, draftIn, draftOf, isSame, STRATEGIES, settingsOf } from './members.ts'
import {
  type Composition,
  compositionQueries,
  deleteComposition,
  deployComposition,
  type Mode,
  saveComposition,
} from './queries.ts'
import type { CompositionSearch } from './route.ts'

/** One composition: its contracts in their order, what they are as a bundle, and where that goes. */
export function CompositionPage() {
  const { name } = useParams({ from: '/inside/compositions/$name' })
  const composition = useQuery(compositionQueries.one(name))
  const { error } = composition
  if (composition.data) return <One key={name} composition={composition.data} />
  return (
    <Page title={name} lead={<BackLink to="/compositions">Compositions</BackLink>}>
      <Card>
        {error instanceof ApiError && error.status === 404 ? (
          <Empty icon={Unlink} title="There is no such composition" className="py-10">
            It may have been deleted; bundles that were made of it stay.
          </Empty>
        ) : error ? (
          <Failure error={error} retry={() => void composition.refetch()} />
        ) : (
          <SkeletonRows rows={5} />
        )}
      </Card>
    </Page>
  )
}

function One({ composition }: { composition: Composition }) {
  const { name } = composition
  const search = useSearch({ from: '/inside/compositions/$name' })
  const navigate = useNavigate({ from: '/compositions/$name' })
  const client = useQueryClient()
  const toasts = useToasts()
  const refusal = useRefusal('work')
  const { ask, dialog } = useConfirmedAct()
  const kept = draftOf(composition)
  const [changed, setChanged] = useState(() => draftIn(drafts.read(`composition ${name}`)))
  const draft = changed ?? kept
  const isDirty = !isSame(draft, kept)
  useEffect(
    () => drafts.write(`composition ${name}`, changed && isDirty ? JSON.stringify(changed) : null),
    [name, changed, isDirty],
  )
  useUnloadGuard(isDirty)
  const change = (part: Partial<Draft>) => setChanged({ ...draft, ...part })
  const set = (part: CompositionSearch, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...part }), replace })
  const saving = useMutation({
    mutationFn: () => saveComposition(name, settingsOf(draft)),
    onSuccess: (saved) => {
      client.setQueryData(compositionQueries.one(name).queryKey, saved)
      setChanged(null)
      toasts.done(`${name} saved`)
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['compositions'] }),
  })
  const save = () => {
    if (!saving.isPending && isDirty) saving.mutate()
  }
  const remove = () =>
    ask({
      title: `Delete ${name}?`,
      description: 'The contracts stay in the library, and bundles that were made of them stay as they are.',
      action: 'Delete composition',
      typed: name,
      run: () => deleteComposition(name),
      done: 'Composition deleted',
      failed: 'It was not deleted.',
      stale: [['library']],
      onDone: () =>
        void navigate({ to: '/compositions' }).then(() => client.invalidateQueries({ queryKey: ['compositions'] })),
    })
  useShortcuts([
    {
      keys: 'Escape',
      label: 'To all compositions',
      group: 'Composition',
      run: () => void navigate({ to: '/compositions' }),
    },
    ...(refusal
      ? []
      : [
          { keys: 's', label: 'Save', group: 'Composition', run: save },
          { keys: 'p', label: 'Deploy', group: 'Composition', run: () => !isDirty && set({ deploy: true }, true) },
        ]),
  ])
  const stale = composition.contracts.filter((one) => one.has_newer_version)
  return (
    <Page
      title={name}
      lead={<BackLink to="/compositions">Compositions</BackLink>}
      actions={
        !refusal && (
          <>
            <Button variant="deny" onClick={remove}>
              <Trash2 aria-hidden /> Delete
            </Button>
            <Button
              variant="primary"
              disabled={isDirty}
              title={isDirty ? 'Save first: what is kept is deployed.' : undefined}
              onClick={() => set({ deploy: true }, true)}
            >
              <Rocket aria-hidden /> Deploy
            </Button>
          </>
        )
      }
    >
      {refusal && <Withheld why={`Changing and deploying: ${refusal}`} className="mb-3" />}
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1.15fr)_minmax(0,1fr)]">
        <div className="flex min-w-0 flex-col gap-4">
          <Card className="overflow-hidden" aria-labelledby="members">
            <CardHeading
              id="members"
              aside={<span className="text-muted text-xs">{plural(draft.members.length, 'contract')}</span>}
            >
              Contracts, in their order
            </CardHeading>
            <Members
              composition={composition}
              members={draft.members}
              onChange={refusal ? null : (members) => change({ members })}
            />
          </Card>
          <Card className="grid gap-x-4 gap-y-1 p-4 sm:grid-cols-2" aria-label="Settings">
            <SelectField<Mode>
              label="Mode"
              value={draft.mode}
              disabled={refusal !== null}
              hint="Of contracts that name none"
              options={[
                { value: 'enforce', label: 'enforce' },
                { value: 'observe', label: 'observe' },
              ]}
              onChange={(mode) => change({ mode })}
            />
            <SelectField
              label="When a contract gets a new version"
              value={draft.strategy}
              disabled={refusal !== null}
              hint="Where it is deployed already"
              options={STRATEGIES}
              onChange={(strategy) => change({ strategy })}
            />
            <Field
              label="Description"
              className="sm:col-span-2"
              value={draft.description}
              disabled={refusal !== null}
              onChange={(event) => change({ description: event.target.value })}
            />
            <p className="text-muted text-xs sm:col-span-2">
              Changed <When at={composition.updated_at} />, made by {composition.created_by}.
            </p>
          </Card>
          {!refusal && (
            <div className="flex flex-wrap items-center justify-end gap-3">
              <p className="min-w-0 flex-1 text-sm" role="status">
                {saving.isError ? (
                  <span className="text-deny">{messageOf(saving.error)}</span>
                ) : isDirty ? (
                  <span className="text-muted">Saving takes the newest version of each contract.</span>
                ) : (
                  stale.length > 0 && (
                    <span className="text-ask">
                      {stale.length === 1 ? 'One contract has' : `${stale.length} contracts have`} a newer version.
                    </span>
                  )
                )}
              </p>
              {isDirty && (
                <Button onClick={() => setChanged(null)} disabled={saving.isPending}>
                  Discard
                </Button>
              )}
              {!isDirty && stale.length > 0 && (
                <Button busy={saving.isPending} onClick={() => saving.mutate()}>
                  Take the newest
                </Button>
              )}
              <Button variant="primary" busy={saving.isPending} disabled={!isDirty} onClick={save}>
                Save{' '}
                <Kbd keys="S" className="[&_kbd]:border-on-primary/30 [&_kbd]:bg-transparent [&_kbd]:text-on-primary" />
              </Button>
            </div>
          )}
        </div>
        <Card className="min-w-0 overflow-hidden" aria-labelledby="preview">
          <CardHeading id="preview">As a bundle</CardHeading>
          {refusal ? <Withheld why={refusal} className="p-4" /> : <Assembled name={name} isDirty={isDirty} />}
        </Card>
      </div>
      <Deploy
        name={name}
        open={!refusal && !isDirty && search.deploy === true}
        env={search.env}
        set={(part) => set(part, true)}
      />
      {dialog}
    </Page>
  )
}

/** The text that it would be deployed as, and what is wrong with it. */
function Assembled({ name, isDirty }: { name: string; isDirty: boolean }) {
  const preview = useQuery(compositionQueries.preview(name))
  const editor = useRef<EditorHandle>(null)
  return (
    <Loaded query={preview} rows={6}>
      {({ yaml_content: yaml, issues, warnings, validation_errors: errors }) => {
        const found = [...issues.map(issueOfContract('error')), ...warnings.map(issueOfContract('warning'))]
        const general = issues.length === 0 ? errors : []
        return (
          <>
            <div className="flex min-h-11 flex-wrap items-center gap-2 border-b px-4">
              <CheckVerdict errors={errors.length} warnings={warnings.length} checked />
              {isDirty && <span className="text-muted text-xs">as it is kept, without your changes</span>}
              {yaml !== '' && <TryLink yaml={yaml} />}
            </div>
            {general.map((message) => (
              <p key={message} className="border-b px-4 py-2 text-deny text-sm">
                {message}
              </p>
            ))}
            {yaml !== '' && (
              <div className="h-[30rem]">
                <LazyEditor ref={editor} value={yaml} label={`${name} as a bundle`} issues={found} />
              </div>
            )}
            <IssueList issues={found} onPick={(issue) => editor.current?.reveal(issue)} />
          </>
        )
      }}
    </Loaded>
  )
}

/** Opens the playground with this text. */
function TryLink({ yaml }: { yaml: string }) {
  return (
    <Link
      to="/playground"
      onClick={() => drafts.write('playground', yaml)}
      className="inline-flex items-center gap-1.5 text-sm underline-offset-2 hover:underline [&_svg]:size-3.5"
    >
      <FlaskConical aria-hidden /> Try a call
    </Link>
  )
}

interface DeployProps {
  readonly name: string
  readonly open: boolean
  readonly env: CompositionSearch['env']
  readonly set: (part: CompositionSearch) => void
}

/** Makes the next version of the bundle and deploys it at once. */
function Deploy({ name, open, env, set }: DeployProps) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const toasts = useToasts()
  const [problem, setProblem] = useState<string | null>(null)
  const deploying = useMutation({
    mutationFn: (where: NonNullable<typeof env>) => deployComposition(name, where),
    onSuccess: ({ bundle_version, deployment_id }) => {
      toasts.done(`${name} v${bundle_version} deployed`)
      void navigate({ to: '/contracts/$name/deployments/$id', params: { name, id: deployment_id } })
    },
    onSettled: () =>
      Promise.all(['bundles', 'deployments'].map((key) => client.invalidateQueries({ queryKey: [key] }))),
  })
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        if (next) return
        deploying.reset()
        setProblem(null)
        set({ deploy: undefined, env: undefined })
      }}
      title={`Deploy ${name}`}
      description={`Makes the next version of the bundle ${name} and signs it. Agents that run it take it up at once; the page of the roll-out has the way back.`}
      action={env ? `Deploy to ${env}` : 'Deploy'}
      busy={deploying.isPending}
      error={problem ?? deploying.error}
      onSubmit={() => {
        if (!env) return setProblem('Choose where.')
        setProblem(null)
        deploying.mutate(env)
      }}
    >
      <EnvironmentChoice
        value={env}
        onChange={(next) => {
          setProblem(null)
          set({ env: next })
        }}
      />
    </FormDialog>
  )
}
