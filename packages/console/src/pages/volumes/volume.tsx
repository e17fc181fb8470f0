import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { FolderPlus, Upload as UploadIcon } from 'lucide-react'
import { type ChangeEvent, type DragEvent, useRef, useState } from 'react'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { BackLink } from '../../ui/back-link.tsx'
import { Button } from '../../ui/button.tsx'
import { bytes, limitOf } from '../../ui/bytes.ts'
import { cn } from '../../ui/cn.ts'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { FilterField } from '../../ui/filter-field.tsx'
import { Kbd } from '../../ui/kbd.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Meter } from '../../ui/meter.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { RowMenu } from '../../ui/row-menu.tsx'
import { Failure, messageOf, SkeletonRows } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { visible } from '../../ui/visible.ts'
import { Withheld } from '../../ui/withheld.tsx'
import { chosenFiles, type Dropped, droppedFiles } from './dropped.ts'
import { FileList, Way } from './file-list.tsx'
import { MoveDialog, NewFolderDialog, RenameDialog } from './forms.tsx'
import { below, orderly, parentOf } from './paths.ts'
import { contentPath, deleteEntry, deleteVolume, type Volume, type VolumeEntry, volumeQueries } from './queries.ts'
import type { VolumeSearch } from './route.ts'
import FileSheet from './shared/file-sheet.tsx'
import { UploadList, uploads } from './upload-list.tsx'
import { Violations } from './violations.tsx'
import { Goes, VolumeBadges } from './volume-parts.tsx'

/** One volume: its files, what is on its way into it, what was refused. */
export function VolumePage() {
  const { id } = useParams({ from: '/inside/volumes/$id' })
  const volume = useQuery(volumeQueries.one(id))
  if (!volume.data)
    return (
      <Page title="Volume" lead={<BackLink to="/volumes">All volumes</BackLink>}>
        <Card>
          {volume.isError ? (
            <Failure error={volume.error} retry={() => void volume.refetch()} />
          ) : (
            <SkeletonRows rows={6} />
          )}
        </Card>
      </Page>
    )
  return <Shown key={id} volume={volume.data} />
}

type Open = 'folder' | 'rename' | { readonly move: VolumeEntry } | null

function Shown({ volume }: { volume: Volume }) {
  const { id } = volume
  const search = useSearch({ from: '/inside/volumes/$id' })
  const navigate = useNavigate({ from: '/volumes/$id' })
  const set = (change: VolumeSearch, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...change }), replace, resetScroll: false })
  const folder = orderly(search.path ?? '/')
  const files = useQuery(volumeQueries.files(id, folder))
  const largest = useQuery(volumeQueries.quota()).data?.max_file_size_bytes ?? Number.MAX_SAFE_INTEGER
  const refusal = useRefusal('work')
  const mayWrite = refusal === null
  const [open, setOpen] = useState<Open>(null)
  const chooser = useRef<HTMLInputElement>(null)
  const within = useRef<HTMLDivElement>(null)
  const toasts = useToasts()
  const { ask, dialog } = useConfirmedAct()
  useListKeys(within, 'Volume')

  const send = (found: readonly Dropped[]) => {
    uploads.add(
      id,
      found.map(({ path, file }) => ({
        path: below(folder, path),
        file,
        // A browser hears of it only when all of the file has gone.
        problem:
          file.size > largest ? `The file has ${bytes(file.size)}; LICTOR_VOLUME_TIER allows ${bytes(largest)}.` : null,
      })),
    )
  }
  const askDelete = (entry: VolumeEntry) =>
    ask({
      title: `Delete ${entry.name}?`,
      description: entry.is_dir
        ? 'The folder with all that is in it, for good.'
        : 'For good. Whoever reads it now gets it to its end.',
      action: entry.is_dir ? 'Delete folder' : 'Delete file',
      ...(entry.is_dir ? { typed: entry.name } : {}),
      run: () => deleteEntry(id, entry.path),
      done: `${entry.name} was deleted`,
      failed: 'It was not deleted.',
      stale: [['volumes']],
      onDone: () => set({ file: undefined }, true),
    })
  const askDeleteVolume = () =>
    ask({
      title: `Delete ${volume.label}?`,
      description: 'The volume with all its files, for good. Agents that mount it by its name get an empty one.',
      action: 'Delete volume',
      typed: volume.label,
      run: () => deleteVolume(id),
      done: `${volume.label} was deleted`,
      failed: 'It was not deleted.',
      stale: [
        ['volumes', 'all'],
        ['volumes', 'quota'],
      ],
      onDone: () => void navigate({ to: '/volumes', replace: true }),
    })
  const up = parentOf(folder)
  const enter = (path: string) => set({ path: path === '/' ? undefined : path, file: undefined, q: undefined })
  const focused = () => {
    const path = document.activeElement?.closest<HTMLElement>('[data-path]')?.dataset.path
    return files.data?.entries.find((entry) => entry.path === path)
  }
  useShortcuts([
    {
      keys: 'Escape',
      label: 'To the folder above, or back to the list',
      group: 'Volume',
      run: () => (up === null ? void navigate({ to: '/volumes' }) : enter(up)),
    },
    ...(mayWrite
      ? [
          { keys: 'u', label: 'Upload files', group: 'Volume', run: () => chooser.current?.click() },
          { keys: 'n', label: 'New folder', group: 'Volume', run: () => setOpen('folder') },
          {
            keys: 'x',
            label: 'Delete what has the focus',
            group: 'Volume',
            run: () => {
              const entry = focused()
              if (entry) askDelete(entry)
            },
          },
        ]
      : []),
  ])
  const opened = search.file
  const openedEntry = files.data?.entries.find(({ path }) => path === opened)
  return (
    <Page
      title={visible(volume.label)}
      lead={
        <span className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1">
          <BackLink to="/volumes">All volumes</BackLink>
          <VolumeBadges volume={volume} />
          <Goes volume={volume} className="text-sm" />
        </span>
      }
      actions={
        mayWrite ? (
          <>
            <Button onClick={() => setOpen('folder')}>
              <FolderPlus aria-hidden /> New folder
            </Button>
            <Button variant="primary" onClick={() => chooser.current?.click()}>
              <UploadIcon aria-hidden /> Upload <Kbd keys="u" />
            </Button>
            <RowMenu
              label="More about this volume"
              actions={[
                { label: 'Rename the volume', onSelect: () => setOpen('rename') },
                { label: 'Delete the volume', onSelect: askDeleteVolume, grave: true },
              ]}
            />
          </>
        ) : (
          <Withheld why={`Uploading and changing: ${refusal}`} className="max-w-xs" />
        )
      }
    >
      <div ref={within} className="flex flex-col gap-4">
        <div className="max-w-md">
          <Meter label="Used" used={volume.used_bytes} limit={limitOf(volume.size_limit_bytes)} format={bytes} />
        </div>
        {mayWrite && (
          <>
            <input
              ref={chooser}
              type="file"
              multiple
              tabIndex={-1}
              aria-label="Files to upload"
              className="sr-only"
              onChange={({ currentTarget }: ChangeEvent<HTMLInputElement>) => {
                send(chosenFiles(currentTarget.files ?? []))
                // The same file again is a change again.
                currentTarget.value = ''
              }}
            />
            <UploadList volumeId={id} />
          </>
        )}
        <DropCard
          isOn={mayWrite}
          onDrop={(transfer) =>
            void droppedFiles(transfer).then(send, (error: unknown) =>
              toasts.failed('What was dropped could not be read', messageOf(error)),
            )
          }
        >
          <header className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 border-b px-4 py-2">
            <Way root={visible(volume.label)} folder={folder} />
            <FilterField
              label="Filter by name"
              value={search.q}
              onChange={(q) => set({ q }, true)}
              className="max-w-56 max-sm:max-w-full"
            />
          </header>
          <Loaded query={files} rows={5}>
            {({ entries, isCut }) => (
              <FileList
                entries={entries}
                isCut={isCut}
                q={search.q}
                mayWrite={mayWrite}
                command={`npx lictor volume put ${/^[\w.-]+$/.test(volume.label) ? volume.label : id} ./report.pdf ${folder}`}
                onMove={(move) => setOpen({ move })}
                onDelete={askDelete}
              />
            )}
          </Loaded>
        </DropCard>
        <Violations volumeId={id} />
      </div>
      <FileSheet
        from={opened === undefined ? null : contentPath(id, opened)}
        path={opened ?? ''}
        onClose={() => set({ file: undefined })}
      >
        {mayWrite && openedEntry && (
          <Button variant="deny" onClick={() => askDelete(openedEntry)}>
            Delete
          </Button>
        )}
      </FileSheet>
      <NewFolderDialog id={id} folder={folder} open={open === 'folder'} onClose={() => setOpen(null)} />
      <RenameDialog volume={volume} open={open === 'rename'} onClose={() => setOpen(null)} />
      <MoveDialog
        id={id}
        entry={open !== null && typeof open === 'object' ? open.move : null}
        onClose={() => setOpen(null)}
      />
      {dialog}
    </Page>
  )
}

interface DropCardProps {
  readonly isOn: boolean
  readonly onDrop: (transfer: DataTransfer) => void
  readonly children: React.ReactNode
}

/** A card that takes files that are dropped on it, and says so while they hang over it. */
function DropCard({ isOn, onDrop, children }: DropCardProps) {
  const [isOver, setOver] = useState(false)
  const hasFiles = (event: DragEvent) => isOn && event.dataTransfer.types.includes('Files')
  return (
    <Card
      aria-label="Files"
      className={cn('relative overflow-hidden', isOver && 'outline-2 outline-accent outline-dashed')}
      onDragOver={(event) => {
        if (!hasFiles(event)) return
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={({ currentTarget, relatedTarget }) => {
        if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) setOver(false)
      }}
      onDrop={(event) => {
        if (!hasFiles(event)) return
        event.preventDefault()
        setOver(false)
        onDrop(event.dataTransfer)
      }}
    >
      {children}
      {isOver && (
        <p className="pointer-events-none absolute inset-x-0 bottom-0 bg-accent-soft py-2 text-center font-medium text-sm">
          Drop them here
        </p>
      )}
    </Card>
  )
}
