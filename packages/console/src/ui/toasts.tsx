import { CatchBoundary } from '@tanstack/react-router'
import { createContext, type ReactNode, Suspense, use, useCallback, useState } from 'react'
import { lazily } from './lazy.tsx'

export interface Notice {
  readonly id: number
  readonly tone: 'done' | 'failed'
  readonly title: string
  readonly detail?: string | undefined
  /** What it is about; a newer notice about the same takes its place. */
  readonly about?: string | undefined
}

interface Toasts {
  done(title: string, detail?: string, about?: string): void
  failed(title: string, detail?: string, about?: string): void
}

const ToastContext = createContext<Toasts>({ done() {}, failed() {} })

export const useToasts = (): Toasts => use(ToastContext)

export const ToastList = lazily(() => import('./toast-list.tsx').then((file) => file.ToastList))

/** What just happened, said once at the edge. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const [notices, setNotices] = useState<readonly Notice[]>([])
  const [wasNeeded, setNeeded] = useState(false)
  const add = useCallback(
    (tone: Notice['tone']) => (title: string, detail?: string, about?: string) => {
      setNeeded(true)
      setNotices((all) => {
        const id = (all.at(-1)?.id ?? 0) + 1
        const staying = all.filter((notice) => about === undefined || notice.about !== about)
        return [...staying.slice(-3), { id, tone, title, detail, about }]
      })
    },
    [],
  )
  const [toasts] = useState<Toasts>(() => ({ done: add('done'), failed: add('failed') }))
  return (
    <ToastContext value={toasts}>
      {children}
      {wasNeeded && (
        <CatchBoundary
          getResetKey={() => notices.at(-1)?.id ?? 0}
          errorComponent={() => <Plain notice={notices.at(-1)} onClose={() => setNotices([])} />}
        >
          <Suspense fallback={null}>
            <ToastList
              notices={notices}
              onClose={(id) => setNotices((all) => all.filter((notice) => notice.id !== id))}
            />
          </Suspense>
        </CatchBoundary>
      )}
    </ToastContext>
  )
}

/** The newest notice where the code of the list did not come: that the server is away is what there is to say then. */
function Plain({ notice, onClose }: { notice: Notice | undefined; onClose: () => void }) {
  if (!notice) return null
  return (
    <div
      role="alert"
      data-tone={notice.tone}
      className="fixed right-4 bottom-4 z-60 flex w-88 max-w-[calc(100vw-2rem)] items-start gap-3 rounded-lg border bg-surface p-3 text-sm shadow-float"
    >
      <span className="min-w-0 flex-1 break-words">
        <span className="block font-medium">{notice.title}</span>
        <span className="block text-muted">{notice.detail}</span>
      </span>
      <button type="button" onClick={onClose} className="text-muted hover:text-ink">
        Dismiss
      </button>
    </div>
  )
}
