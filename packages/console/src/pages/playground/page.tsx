import { useNavigate, useSearch } from '@tanstack/react-router'
import { FilePen, Unlink } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useListKeys } from '../../app/list-keys.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { Button } from '../../ui/button.tsx'
import { drafts } from '../../ui/draft.ts'
import { FilterMenu } from '../../ui/menu.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { Empty, Failure, SkeletonRows } from '../../ui/states.tsx'
import { BundleEditor } from '../contracts/shared/bundle-editor.tsx'
import type { CallText } from '../contracts/shared/call.ts'
import { LazyEditor } from '../contracts/shared/editing.tsx'
import { EXAMPLE_BUNDLE, useSeen } from '../contracts/shared/language.ts'
import { CallFields, TrialResult } from '../contracts/shared/trial-panel.tsx'
import { type Playground, usePlayground } from './presenter.ts'
import type { PlaygroundSearch } from './route.ts'

/** The text that is written here is kept for the tab: it is too long for an address. */
const DRAFT = 'playground'

/** A bundle, any version or a text of one's own, against a call of one's own. */
export function PlaygroundPage() {
  const search = useSearch({ from: '/inside/playground' })
  const navigate = useNavigate({ from: '/playground' })
  const shown = usePlayground(search)
  const { source, call } = shown
  const seen = useSeen()
  const [typed, setTyped] = useState(() => drafts.read(DRAFT) ?? EXAMPLE_BUNDLE)
  useEffect(() => drafts.write(DRAFT, typed === EXAMPLE_BUNDLE ? null : typed), [typed])
  const fields = useRef<HTMLDivElement>(null)
  const set = (change: PlaygroundSearch, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...change }), replace })
  const setCall = (change: Partial<CallText>) => set(emptied(change, search.event !== undefined), true)
  /** The call stays, as text: its event would choose the version again. */
  const write = () =>
    void navigate({ search: Object.fromEntries(Object.entries(call).filter(([, text]) => text !== '')) })
  const edit = () => {
    if (source.kind !== 'version' || source.yaml === undefined) return
    setTyped(source.yaml)
    write()
  }
  const step = (by: number) => {
    if (source.kind !== 'version') return
    const next = source.versions[source.versions.findIndex(({ version }) => version === source.version?.version) + by]
    if (next) set({ bundle: source.bundle, version: next.version }, true)
  }
  useListKeys(null, 'Playground')
  useShortcuts([
    { keys: 'j', label: 'Older version', group: 'Playground', run: () => step(1), repeats: true },
    { keys: 'k', label: 'Newer version', group: 'Playground', run: () => step(-1), repeats: true },
    { keys: 'e', label: 'Edit the text', group: 'Playground', run: edit },
    {
      keys: 't',
      label: 'Write the call',
      group: 'Playground',
      run: () => fields.current?.querySelector('input')?.focus(),
    },
  ])
  const yaml = source.kind === 'typed' ? typed : source.yaml
  return (
    <Page title="Playground" lead="What would a bundle do with a call? Nothing is kept, and no tool runs.">
      <SourceChoice shown={shown} set={set} onTyped={write} onEdit={edit} />
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_23rem]">
        <div className="flex min-w-0 flex-col gap-4 lg:order-2">
          <Card aria-label="Call" className="p-4">
            {shown.isPending ? (
              <SkeletonRows rows={4} />
            ) : (
              <div ref={fields}>
                <CallFields
                  value={call}
                  onChange={setCall}
                  tools={seen.tools.map(({ name }) => name)}
                  environments={seen.environments}
                />
              </div>
            )}
          </Card>
          <Card aria-label="What would happen" className="p-4">
            {shown.note && <p className="mb-3 text-muted text-sm">{shown.note}</p>}
            <TrialResult yaml={yaml} call={call} />
          </Card>
        </div>
        <Card aria-label="Bundle" className="min-w-0 overflow-hidden">
          {shown.error ? (
            <Failure error={shown.error} retry={shown.retry} />
          ) : source.kind === 'typed' ? (
            <BundleEditor text={typed} onChange={setTyped} seen={seen} label="Bundle YAML" className="h-[34rem]" />
          ) : source.isAstray ? (
            <Empty icon={Unlink} title="There is no such version" className="py-10">
              This server has no version {search.version} of {source.bundle}. Choose another above.
            </Empty>
          ) : (
            <div className="h-[34rem]">
              {source.yaml !== undefined && (
                <LazyEditor
                  key={`${source.bundle} ${source.version?.version}`}
                  value={source.yaml}
                  label={`${source.bundle} version ${source.version?.version}`}
                />
              )}
            </div>
          )}
        </Card>
      </div>
    </Page>
  )
}

/** An emptied field leaves the address, unless it would then be as in the event again. */
const emptied = (change: Partial<CallText>, keepsEmpty: boolean): PlaygroundSearch =>
  Object.fromEntries(
    Object.entries(change).map(([field, value]) => [field, value === '' && !keepsEmpty ? undefined : value]),
  )

/** Values of the choice of a text: a bundle may be called anything. */
const TYPED = 'typed'
const OF = 'of '

interface SourceChoiceProps {
  readonly shown: Playground
  readonly set: (change: PlaygroundSearch) => void
  readonly onTyped: () => void
  readonly onEdit: () => void
}

function SourceChoice({ shown: { source, bundles }, set, onTyped, onEdit }: SourceChoiceProps) {
  const chosen = source.kind === 'version' ? source : null
  const listed = chosen && !bundles.includes(chosen.bundle) ? [chosen.bundle, ...bundles] : bundles
  return (
    <div className="mb-3 flex flex-wrap items-center gap-2">
      <FilterMenu
        label="Text"
        required
        value={chosen ? OF + chosen.bundle : TYPED}
        options={[
          { value: TYPED, label: 'written here' },
          ...listed.map((name) => ({ value: OF + name, label: name })),
        ]}
        onChange={(value) => {
          if (value === TYPED) onTyped()
          else if (value !== undefined && value !== OF + chosen?.bundle)
            set({ bundle: value.slice(OF.length), version: undefined })
        }}
      />
      {chosen && chosen.versions.length > 0 && (
        <FilterMenu
          label="Version"
          required
          value={chosen.version ? String(chosen.version.version) : ''}
          options={chosen.versions.map(({ version, deployed_envs }) => ({
            value: String(version),
            label: `${version}${deployed_envs.length > 0 ? ` · ${deployed_envs.join(', ')}` : ''}`,
          }))}
          onChange={(value) => set({ bundle: chosen.bundle, version: Number(value) })}
        />
      )}
      {chosen?.yaml !== undefined && (
        <Button className="ml-auto" onClick={onEdit}>
          <FilePen aria-hidden /> Edit
        </Button>
      )}
    </div>
  )
}
