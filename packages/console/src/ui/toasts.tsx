import { CircleCheck, OctagonAlert, X } from 'lucide-react'
import { Toast } from 'radix-ui'
import { createContext, type ReactNode, use, useCallback, useState } from 'react'
import { cn } from './cn.ts'

interface Notice {
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

/** What just happened, said once at the edge. A failure stays until it is read; F8 moves the focus there. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const [notices, setNotices] = useState<readonly Notice[]>([])
  const add = useCallback(
    (tone: Notice['tone']) => (title: string, detail?: string) =>
      setNotices((all) => [...all.slice(-3), { id: (all.at(-1)?.id ?? 0) + 1, tone, title, detail }]),
    [],
  )
  const [toasts] = useState<Toasts>(() => ({ done: add('done'), failed: add('failed') }))
  return (
    <ToastContext value={toasts}>
      <Toast.Provider swipeDirection="right" label="Notice">
        {children}
        {notices.map((notice) => (
          <Toast.Root
            key={notice.id}
            type={notice.tone === 'failed' ? 'foreground' : 'background'}
            duration={notice.tone === 'failed' ? 60_000 : 4_500}
            onOpenChange={(open) => open || setNotices((all) => all.filter((n) => n.id !== notice.id))}
            className="flex animate-enter items-start gap-3 rounded-lg border bg-surface p-3 shadow-float data-[swipe=move]:translate-x-[var(--radix-toast-swipe-move-x)]"
          >
            {notice.tone === 'done' ? (
              <CircleCheck className="mt-0.5 size-4.5 shrink-0 text-allow" aria-hidden />
            ) : (
              <OctagonAlert className="mt-0.5 size-4.5 shrink-0 text-deny" aria-hidden />
            )}
            <div className="min-w-0 flex-1">
              <Toast.Title className="font-medium text-sm">{notice.title}</Toast.Title>
              {notice.detail && (
                <Toast.Description className="mt-0.5 break-words text-muted text-sm">{notice.detail}</Toast.Description>
              )}
            </div>
            <Toast.Close aria-label="Dismiss" className="rounded p-0.5 text-faint hover:text-ink">
              <X className="size-4" aria-hidden />
            </Toast.Close>
          </Toast.Root>
        ))}
        <Toast.Viewport
          className={cn(
            'fixed right-4 bottom-4 z-60 flex w-88 max-w-[calc(100vw-2rem)] flex-col gap-2 outline-none',
            'max-md:bottom-[calc(4.5rem+env(safe-area-inset-bottom))]',
          )}
        />
      </Toast.Provider>
    </ToastContext>
  )
}
