import { type ComponentProps, lazy, Suspense } from 'react'
import { Skeleton } from '../../ui/states.tsx'

const Editor = lazy(() => import('./editor.tsx'))

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
