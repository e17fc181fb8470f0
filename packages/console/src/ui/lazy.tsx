import { type ReactNode, use } from 'react'

type Component<Props> = (props: Props) => ReactNode
type LazyComponent<Props> = Component<Props> & { preload: () => Promise<void> }

/** Milliseconds after a failure before showing the component asks for its code again. */
const REST = 1_000

/**
 * A component whose code comes when it is first shown. The router's own loader reloads the document when a piece is
 * missing, which leaves the browser's error page while the server is away, and React's remembers a failure for ever; this
 * one reports a failure, and asks again when it is shown again later.
 */
export function lazily<Props extends object>(load: () => Promise<Component<Props>>): LazyComponent<Props> {
  let loading: Promise<Component<Props>> | null = null
  let failedAt: number | null = null
  const begin = (): Promise<Component<Props>> => {
    failedAt = null
    const started = load()
    loading = started
    started.catch(() => {
      failedAt = performance.now()
    })
    return started
  }
  // React shows the component again at once when its code failed: that must report, not ask again.
  const isStale = () => failedAt !== null && performance.now() - failedAt > REST
  const wanted = () => (loading === null || isStale() ? begin() : loading)
  const Lazy = (props: Props) => {
    const Loaded = use(wanted())
    return <Loaded {...props} />
  }
  return Object.assign(Lazy, {
    preload: async () => {
      await wanted()
    },
  })
}
