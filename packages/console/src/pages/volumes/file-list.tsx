import { Link } from '@tanstack/react-router'
import { File, Folder, FolderOpen } from 'lucide-react'
import { bytes } from '../../ui/bytes.ts'
import { RowMenu } from '../../ui/row-menu.tsx'
import { Empty } from '../../ui/states.tsx'
import { visible } from '../../ui/visible.ts'
import { When } from '../../ui/when.tsx'
import { wayTo } from './paths.ts'
import { MOST_ENTRIES, type VolumeEntry } from './queries.ts'

/** Where one is, each folder above it a way back. */
export function Way({ root, folder }: { root: string; folder: string }) {
  const steps = wayTo(folder)
  return (
    <nav aria-label="Folder" className="min-w-0 flex-1">
      <ol className="flex min-w-0 flex-wrap items-center gap-x-1.5 text-sm">
        {[{ name: root, path: '/' }, ...steps].map(({ name, path }, at) => (
          <li key={path} className="flex min-w-0 items-center gap-1.5">
            {at > 0 && (
              <span aria-hidden className="text-faint">
                /
              </span>
            )}
            {at === steps.length ? (
              <span aria-current="page" className="min-w-0 truncate font-medium">
                {visible(name)}
              </span>
            ) : (
              <Link
                from="/volumes/$id"
                to="."
                search={path === '/' ? {} : { path }}
                className="min-w-0 truncate text-muted underline-offset-2 hover:text-ink hover:underline"
              >
                {visible(name)}
              </Link>
            )}
          </li>
        ))}
      </ol>
    </nav>
  )
}

interface FileListProps {
  readonly entries: readonly VolumeEntry[]
  /** There are more than these. */
  readonly isCut: boolean
  readonly q: string | undefined
  readonly mayWrite: boolean
  /** Puts a file into this folder. */
  readonly command: string
  readonly onMove: (entry: VolumeEntry) => void
  readonly onDelete: (entry: VolumeEntry) => void
}

export function FileList({ entries, isCut, q, mayWrite, command, onMove, onDelete }: FileListProps) {
  const shown = entries
    .filter(({ name }) => !q || name.toLowerCase().includes(q.toLowerCase()))
    .sort((a, b) => Number(b.is_dir) - Number(a.is_dir) || a.name.localeCompare(b.name))
  if (entries.length === 0)
    return (
      <Empty icon={FolderOpen} title="Nothing is in here" {...(mayWrite ? { command } : {})}>
        {mayWrite ? 'Drop files here, upload them, or:' : 'Nobody has put a file here.'}
      </Empty>
    )
  if (shown.length === 0) return <Empty icon={FolderOpen} title="Nothing in this folder matches" />
  return (
    <>
      <ul aria-label="Folders and files" className="divide-y">
        {shown.map((entry) => (
          <li key={entry.path} className="flex items-center hover:bg-hover">
            <Link
              from="/volumes/$id"
              to="."
              search={entry.is_dir ? { path: entry.path } : (now) => ({ ...now, file: entry.path })}
              resetScroll={false}
              data-row
              data-path={entry.path}
              className="grid min-h-11 min-w-0 flex-1 items-center gap-x-4 px-4 py-1.5 focus-visible:-outline-offset-2 max-sm:grid-cols-[minmax(0,1fr)_auto] sm:grid-cols-[minmax(0,1fr)_6rem_7rem]"
            >
              <span className="flex min-w-0 items-center gap-2.5">
                {entry.is_dir ? (
                  <Folder className="size-4 shrink-0 text-muted" aria-label="Folder" />
                ) : (
                  <File className="size-4 shrink-0 text-faint" aria-label="File" />
                )}
                <span className="min-w-0 truncate text-sm" title={entry.name}>
                  {visible(entry.name)}
                </span>
              </span>
              <span className="tabular text-right text-muted text-xs">
                {entry.is_dir ? '' : bytes(entry.size_bytes)}
              </span>
              <When at={entry.modified_at} className="text-muted text-xs max-sm:hidden" />
            </Link>
            {mayWrite && (
              <span className="pr-2">
                <RowMenu
                  label={`More about ${entry.name}`}
                  actions={[
                    { label: 'Move or rename', onSelect: () => onMove(entry) },
                    {
                      label: entry.is_dir ? 'Delete folder' : 'Delete file',
                      onSelect: () => onDelete(entry),
                      grave: true,
                    },
                  ]}
                />
              </span>
            )}
          </li>
        ))}
      </ul>
      {isCut && (
        <p className="border-t px-4 py-2 text-muted text-sm">
          The first {MOST_ENTRIES.toLocaleString()}; the API and the command line have the others.
        </p>
      )}
    </>
  )
}
