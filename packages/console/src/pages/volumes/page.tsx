import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { HardDrive } from 'lucide-react'
import { useState } from 'react'
import { ListPage } from '../../app/list-page.tsx'
import { useRefusal } from '../../app/permission.ts'
import { bytes, limitOf } from '../../ui/bytes.ts'
import { Field } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { FilterMenu } from '../../ui/menu.tsx'
import { Meter } from '../../ui/meter.tsx'
import { SelectField } from '../../ui/select-field.tsx'
import { useFields } from '../../ui/use-fields.ts'
import { visible } from '../../ui/visible.ts'
import { createVolume, type Quota, type Volume, volumeQueries } from './queries.ts'
import type { VolumesSearch } from './route.ts'
import { Goes, VolumeBadges } from './volume-parts.tsx'

/** What agents keep beyond one run: files of the tenant, under a limit each. */
export function VolumesPage() {
  const search = useSearch({ from: '/inside/volumes' })
  const navigate = useNavigate({ from: '/volumes' })
  const set = (change: VolumesSearch, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...change }), replace })
  const volumes = useQuery(volumeQueries.all())
  const quota = useQuery(volumeQueries.quota()).data
  const refusal = useRefusal('work')
  const setCreating = (open: boolean) => set({ create: open ? true : undefined }, true)
  const wanted = search.q?.toLowerCase() ?? ''
  return (
    <ListPage
      title="Volumes"
      lead="Files of the tenant that outlive a run. A manifest mounts a volume by its name under spec.volumes."
      icon={HardDrive}
      query={volumes}
      rowsOf={(list) =>
        list.filter(
          ({ label, storage_class }) =>
            label.toLowerCase().includes(wanted) && (!search.kind || storage_class === search.kind),
        )
      }
      row={(volume) => <Row key={volume.id} volume={volume} />}
      q={search.q}
      onQ={(q) => set({ q }, true)}
      filters={
        <FilterMenu
          label="Class"
          value={search.kind}
          onChange={(kind) => set({ kind: kind === 'persistent' || kind === 'ephemeral' ? kind : undefined })}
          options={['persistent', 'ephemeral'].map((value) => ({
            value,
            label: value,
            ...(volumes.data
              ? { count: volumes.data.filter(({ storage_class }) => storage_class === value).length }
              : {}),
          }))}
        />
      }
      isNothing={(list) => list.length === 0}
      nothing={{
        title: 'No volume yet',
        command: 'npx lictor volume create data --size 10Gi',
        words: 'A volume keeps files between runs, and hands them to agents. Make one here, or:',
      }}
      noMatch="No volume matches"
      make={{ label: 'Make a volume', run: () => setCreating(true) }}
      below={quota && <Together quota={quota} />}
    >
      {refusal === null && <Create open={search.create === true} onOpenChange={setCreating} quota={quota} />}
    </ListPage>
  )
}

function Row({ volume }: { volume: Volume }) {
  return (
    <li>
      <Link
        to="/volumes/$id"
        params={{ id: volume.id }}
        data-row
        className="grid min-h-13 items-center gap-x-6 gap-y-1.5 px-4 py-2.5 hover:bg-hover focus-visible:-outline-offset-2 sm:grid-cols-[minmax(0,1fr)_14rem]"
      >
        <span className="min-w-0">
          <span className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
            <span className="min-w-0 truncate font-medium">{visible(volume.label)}</span>
            <VolumeBadges volume={volume} />
          </span>
          <Goes volume={volume} className="block text-muted text-xs" />
        </span>
        <Meter label="Used" used={volume.used_bytes} limit={limitOf(volume.size_limit_bytes)} format={bytes} />
      </Link>
    </li>
  )
}

/** What all of them may hold, said where something limits it. */
function Together({ quota }: { quota: Quota }) {
  const [all, count, file] = [quota.quota_bytes, quota.volume_limit, quota.max_file_size_bytes].map(limitOf)
  const bounds = [
    `${bytes(quota.used_bytes)}${all == null ? '' : ` of ${bytes(all)}`} stored`,
    ...(count == null ? [] : [`${quota.volume_count} of ${count} volumes`]),
    ...(file == null ? [] : [`one file may have ${bytes(file)}`]),
  ]
  return <p className="mt-2 text-muted text-sm">Together: {bounds.join(', ')}.</p>
}

const UNITS = [
  { value: 'MiB', label: 'MiB' },
  { value: 'GiB', label: 'GiB' },
] as const
type Unit = (typeof UNITS)[number]['value']
const BYTES: Readonly<Record<Unit, number>> = { MiB: 1_024 ** 2, GiB: 1_024 ** 3 }

interface CreateProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
  readonly quota: Quota | undefined
}

function Create({ open, onOpenChange, quota }: CreateProps) {
  const client = useQueryClient()
  const navigate = useNavigate({ from: '/volumes' })
  const { fields, change, forget } = useFields('make volume', { label: '', size: '1', unit: 'GiB' })
  const [problem, setProblem] = useState<string | null>(null)
  const unit: Unit = fields.unit === 'MiB' ? 'MiB' : 'GiB'
  const making = useMutation({
    mutationFn: createVolume,
    onSuccess: ({ id }) => {
      forget()
      void navigate({ to: '/volumes/$id', params: { id } })
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['volumes'] }),
  })
  const submit = () => {
    const size = Math.floor(Number(fields.size.replace(',', '.')) * BYTES[unit])
    const wrong = fields.label.trim() === '' ? 'Give it a name.' : size > 0 ? null : 'Give a size above 0, as a number.'
    setProblem(wrong)
    if (wrong === null) making.mutate({ label: fields.label.trim(), size_limit_bytes: size })
  }
  const left = quota && limitOf(quota.quota_bytes)
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        making.reset()
        setProblem(null)
        onOpenChange(next)
      }}
      title="Make a volume"
      description="Agents mount it by its name; people and programs put files into it."
      action="Make it"
      busy={making.isPending}
      error={problem ?? making.error}
      onSubmit={submit}
    >
      <Field
        label="Name"
        value={fields.label}
        onChange={({ target }) => change({ label: target.value })}
        placeholder="data"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
      />
      <div className="grid grid-cols-[minmax(0,1fr)_7rem] gap-3">
        <Field
          label="Size"
          inputMode="decimal"
          value={fields.size}
          onChange={({ target }) => change({ size: target.value })}
          hint={left ? `All volumes together may have ${bytes(left)}.` : 'What it may hold at most.'}
        />
        <SelectField label="Unit" value={unit} options={UNITS} onChange={(value) => change({ unit: value })} />
      </div>
    </FormDialog>
  )
}
