import { createContext, type ReactNode, Suspense, use, useCallback, useState } from 'react'
import { lazily } from './lazy.tsx'

export interface Notice {
  readonly id: number
  readonly tone: 'done' | 'failed'
  readonly title: string
  readonly detail?: string | undefined
}

interface Toasts {
  done(title: string, detail?: string): void
  failed(title: string, detail?: string): void
}

const ToastContext = createContext<Toasts>({ done() {}, failed() {} })

export const useToasts = (): Toasts => use(ToastContext)

export const ToastList = lazily(() => import('./toast-list.tsx').then((file) => file.ToastList))

/** What just happened, said once at the edge. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const [notices, setNotices] = useState<readonly Notice[]>([])
  const [wasNeeded, setNeeded] = useState(false)
  const add = useCallback(
    (tone: Notice['tone']) => (title: string, detail?: string) => {
      setNeeded(true)
      setNotices((all) => [...all.slice(-3), { id: (all.at(-1)?.id ?? 0) + 1, tone, title, detail }])
    },
    [],
  )
  const [toasts] = useState<Toasts>(() => ({ done: add('done'), failed: add('failed') }))
  return (
    <ToastContext value={toasts}>
      {children}
      {wasNeeded && (
        <Suspense fallback={null}>
          <ToastList
            notices={notices}
            onClose={(id) => setNotices((all) => all.filter((notice) => notice.id !== id))}
          />
        </Suspense>
      )}
    </ToastContext>
  )
}
