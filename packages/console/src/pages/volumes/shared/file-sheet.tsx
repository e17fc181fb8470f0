import { useQuery } from '@tanstack/react-query'
import { Download, FileQuestion } from 'lucide-react'
import { useState } from 'react'
import { download } from '../../../api/download.ts'
import { Button } from '../../../ui/button.tsx'
import { bytes } from '../../../ui/bytes.ts'
import { Code } from '../../../ui/code.tsx'
import { Sheet } from '../../../ui/dialog.tsx'
import { Json } from '../../../ui/json.tsx'
import { Loaded } from '../../../ui/loaded.tsx'
import { Empty, messageOf } from '../../../ui/states.tsx'
import { visible } from '../../../ui/visible.ts'
import { HEAD_BYTES } from './preview.ts'
import { readPreview, type Shown } from './read-preview.ts'

interface FileSheetProps {
  /** Where the API has its bytes; null: none is open. */
  readonly from: string | null
  /** Its path, as people know it. */
  readonly path: string
  readonly onClose: () => void
  /** What else can be done with it. */
  readonly children?: React.ReactNode
}

/** How a file begins, and its bytes as a download. Nothing in it is run: markup is shown as the text that it is. */
export default function FileSheet({ from, path, onClose, children }: FileSheetProps) {
  const name = nameOf(path)
  return (
    <Sheet
      open={from !== null}
      onOpenChange={(open) => open || onClose()}
      title={visible(name)}
      {...(name === path.replace(/^\//, '') ? {} : { description: visible(path) })}
      className="sm:max-w-2xl"
    >
      {from !== null && (
        <div className="flex flex-col gap-4 pt-1">
          <div className="flex flex-wrap gap-2">
            <Save from={from} name={name} />
            {children}
          </div>
          <Contents key={from} from={from} name={name} />
        </div>
      )}
    </Sheet>
  )
}

const nameOf = (path: string) => path.split('/').filter(Boolean).at(-1) ?? path

function Save({ from, name }: { from: string; name: string }) {
  const [problem, setProblem] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const save = async () => {
    setProblem(null)
    setBusy(true)
    await download(from, name).catch((error: unknown) => setProblem(messageOf(error)))
    setBusy(false)
  }
  return (
    <>
      <Button variant="primary" busy={isBusy} onClick={() => void save()}>
        <Download aria-hidden /> Download
      </Button>
      {problem && (
        <p role="alert" className="order-last w-full break-words text-deny text-sm">
          It was not saved. {problem}
        </p>
      )}
    </>
  )
}

function Contents({ from, name }: { from: string; name: string }) {
  const shown = useQuery({
    queryKey: ['file', from],
    queryFn: ({ signal }) => readPreview(from, signal),
    staleTime: 0,
    // What files hold is not kept when nobody looks at it any more.
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  })
  return (
    <Loaded query={shown} rows={4}>
      {(file) => (
        <>
          <p className="text-muted text-sm">{bytes(file.size)}</p>
          <Drawn file={file} name={name} />
        </>
      )}
    </Loaded>
  )
}

function Drawn({ file: { preview, url, size }, name }: { file: Shown; name: string }) {
  switch (preview.kind) {
    case 'empty':
      return <Empty icon={FileQuestion} title="The file is empty" />
    case 'binary':
      return (
        <Empty icon={FileQuestion} title="No preview">
          It is neither text nor an image that browsers show. Download it to look at it.
        </Empty>
      )
    case 'image':
      return url === null ? (
        <Empty icon={FileQuestion} title="No preview">
          An image of {bytes(size)} is too large to be shown here. Download it to look at it.
        </Empty>
      ) : (
        <img
          src={url}
          alt={visible(name)}
          className="max-h-[70dvh] max-w-full self-start rounded-md border bg-sunken"
        />
      )
    case 'json':
      return <Json value={preview.value} what="file" className="[&_pre]:max-h-[70dvh]" />
    case 'text':
      return (
        <>
          <Code text={preview.text} language="plain" label={`Content of ${name}`} className="max-h-[70dvh]" />
          {preview.isCut && (
            <p className="text-muted text-sm">Its first {bytes(HEAD_BYTES)}. Download it to read the rest.</p>
          )}
        </>
      )
  }
}
