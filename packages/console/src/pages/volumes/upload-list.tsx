import { useQueryClient } from '@tanstack/react-query'
import { CircleCheck, CircleSlash, X } from 'lucide-react'
import { useEffect, useSyncExternalStore } from 'react'
import { onSignOut } from '../../app/sign-out.ts'
import { Button } from '../../ui/button.tsx'
import { bytes } from '../../ui/bytes.ts'
import { Card, CardHeading } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { messageOf } from '../../ui/states.tsx'
import { visible } from '../../ui/visible.ts'
import { isFileThere, sendFile } from './queries.ts'
import { createUploads, hasEnded, isUnderWay, type Upload } from './uploads.ts'

export const uploads = createUploads({ isThere: isFileThere, send: sendFile, words: messageOf })
onSignOut(uploads.forget)

const guard = (event: BeforeUnloadEvent) => event.preventDefault()
// On every page of the console, not only on this one: they go on there.
uploads.subscribe(() => {
  if (uploads.all().some(isUnderWay)) window.addEventListener('beforeunload', guard)
  else window.removeEventListener('beforeunload', guard)
})

/** What is on its way into a volume, and how it ended; nothing while there is nothing. */
export function UploadList({ volumeId }: { volumeId: string }) {
  const client = useQueryClient()
  const all = useSyncExternalStore(uploads.subscribe, uploads.all)
  const list = all.filter((upload) => upload.volumeId === volumeId)
  const ended = list.filter(hasEnded).length
  const done = list.filter(({ state }) => state.kind === 'done').length
  useEffect(() => {
    if (done > 0) void client.invalidateQueries({ queryKey: ['volumes'] })
  }, [client, done])
  const failed = list.filter(({ state }) => state.kind === 'failed').length
  const underWay = list.filter(isUnderWay).length
  const asks = list.filter(({ state }) => state.kind === 'asks')
  const words = [
    ...(underWay > 0 ? [`${plural(underWay, 'file')} on the way`] : []),
    ...(asks.length > 0 ? [`${asks.length} to decide`] : []),
    ...(done > 0 ? [`${done} done`] : []),
    ...(failed > 0 ? [`${failed} not taken`] : []),
  ].join(', ')
  return (
    <>
      <p role="status" className="sr-only">
        {words}
      </p>
      {list.length > 0 && (
        <Card aria-labelledby="uploads" className="overflow-hidden">
          <CardHeading
            id="uploads"
            aside={
              <span className="flex min-w-0 items-center gap-3">
                <span className="truncate text-muted text-xs">{words}</span>
                {ended > 0 && (
                  <Button size="sm" onClick={() => uploads.clear(volumeId)}>
                    Clear
                  </Button>
                )}
              </span>
            }
          >
            Uploads
          </CardHeading>
          <ul aria-label="Uploads" className="max-h-80 divide-y overflow-y-auto">
            {list.map((upload) => (
              <Row key={upload.id} upload={upload} />
            ))}
          </ul>
        </Card>
      )}
    </>
  )
}

function Row({ upload }: { upload: Upload }) {
  const { id, path, file, state } = upload
  const name = visible(path.replace(/^\//, ''))
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2 text-sm">
      <span className="min-w-0 flex-1 basis-40 truncate" title={path}>
        {name}
      </span>
      <State upload={upload} name={name} />
      {state.kind === 'asks' && (
        <>
          <Button size="sm" variant="deny" aria-label={`Replace ${name}`} onClick={() => uploads.send(id)}>
            Replace
          </Button>
          <Button size="sm" aria-label={`Skip ${name}`} onClick={() => uploads.cancel(id)}>
            Skip
          </Button>
        </>
      )}
      {isUnderWay(upload) && (
        <Button
          variant="quiet"
          size="icon"
          aria-label={`Cancel the upload of ${name}`}
          onClick={() => uploads.cancel(id)}
        >
          <X aria-hidden />
        </Button>
      )}
      {(state.kind === 'failed' || state.kind === 'cancelled') && (
        <Button size="sm" aria-label={`Send ${name} again`} onClick={() => uploads.send(id)}>
          Again
        </Button>
      )}
      {state.kind === 'failed' && (
        <p role="alert" className="w-full break-words text-deny text-xs">
          {state.reason}
        </p>
      )}
      {state.kind === 'sends' && <Bar label={name} sent={state.sent} size={file.size} />}
    </li>
  )
}

function State({ upload: { state, file }, name }: { upload: Upload; name: string }) {
  switch (state.kind) {
    case 'asks':
      return <span className="text-muted text-xs">The name is taken.</span>
    case 'waits':
      return <span className="text-muted text-xs">waits</span>
    case 'sends':
      return (
        <span className="tabular text-muted text-xs">
          {state.sent >= file.size ? 'being kept' : `${bytes(state.sent)} of ${bytes(file.size)}`}
        </span>
      )
    case 'done':
      return (
        <span className="flex items-center gap-1.5 text-muted text-xs">
          <CircleCheck className="size-3.5 text-allow" role="img" aria-label={`${name} is kept:`} /> {bytes(file.size)}
        </span>
      )
    case 'failed':
      return (
        <span className="flex items-center gap-1.5 text-deny text-xs">
          <CircleSlash className="size-3.5" aria-hidden /> not taken
        </span>
      )
    case 'cancelled':
      return <span className="text-muted text-xs">not sent</span>
  }
}

function Bar({ label, sent, size }: { label: string; sent: number; size: number }) {
  const share = size === 0 ? 1 : Math.min(1, sent / size)
  return (
    <div
      role="progressbar"
      aria-label={`Upload of ${label}`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(share * 100)}
      className="h-1 w-full overflow-hidden rounded-full bg-sunken"
    >
      <div
        className="h-full rounded-full bg-accent forced-colors:bg-[Highlight]"
        style={{ width: `${share * 100}%` }}
      />
    </div>
  )
}
