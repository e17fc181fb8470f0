import { type ComponentProps, Suspense } from 'react'
import { lazily } from '../../ui/lazy.tsx'
import { Skeleton } from '../../ui/states.tsx'

const Editor = lazily(() => import('./editor.tsx').then((file) => file.default))

/** The editor is the largest part of the console and few pages need it. */
export function LazyEditor(props: ComponentProps<typeof Editor>) {
  return (
    <Suspense
      fallback={
        <div className="flex flex-col gap-2.5 p-4">
          {['w-40', 'w-64', 'w-52', 'w-72', 'w-48'].map((width) => (
            <Skeleton key={width} className={`h-3 ${width}`} />
          ))}
        </div>
      }
    >
      <Editor {...props} />
    </Suspense>
  )
}
