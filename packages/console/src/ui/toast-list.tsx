import { CircleCheck, OctagonAlert, X } from 'lucide-react'
import { Toast } from 'radix-ui'
import { cn } from './cn.ts'
import type { Notice } from './toasts.tsx'

export interface ToastListProps {
  readonly notices: readonly Notice[]
  readonly onClose: (id: number) => void
}

/** The notices at the edge. A failure stays until it is read; F8 moves the focus there. */
export function ToastList({ notices, onClose }: ToastListProps) {
  return (
    <Toast.Provider swipeDirection="right" label="Notice">
      {notices.map((notice) => (
        <Toast.Root
          key={notice.id}
          type={notice.tone === 'failed' ? 'foreground' : 'background'}
          duration={notice.tone === 'failed' ? 60_000 : 4_500}
          onOpenChange={(open) => open || onClose(notice.id)}
          data-tone={notice.tone}
          className="flex animate-enter items-start gap-3 rounded-lg border bg-surface p-3 max-md:py-1.5 shadow-float data-[swipe=move]:translate-x-[var(--radix-toast-swipe-move-x)]"
        >
          {notice.tone === 'done' ? (
            <CircleCheck className="mt-0.5 size-4.5 shrink-0 text-allow" aria-hidden />
          ) : (
            <OctagonAlert className="mt-0.5 size-4.5 shrink-0 text-deny" aria-hidden />
          )}
          <div className="min-w-0 flex-1">
            <Toast.Title className="break-words font-medium text-sm">{notice.title}</Toast.Title>
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
          // On a phone the buttons that act are at the bottom, and what can be undone is at the top of the page: a notice
          // comes over the bar above it, and of those that only say what was done the newest is enough.
          'max-md:[&>[data-tone=done]:not(:last-child)]:hidden',
          'max-md:top-[calc(0.25rem+env(safe-area-inset-top))] max-md:bottom-auto',
          // But dialogs stand at the top there.
          'max-md:[body:has([role=dialog])_&]:top-auto max-md:[body:has([role=dialog])_&]:bottom-4',
        )}
      />
    </Toast.Provider>
  )
}
