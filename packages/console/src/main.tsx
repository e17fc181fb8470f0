import './index.css'
import { MutationCache, Query, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ApiError } from './api/http.ts'
import { ShortcutProvider } from './app/shortcuts.tsx'
import { leadToLogin } from './app/sign-out.ts'
import { makeRouter } from './router.tsx'
// Follows the device from the start; the menu that changes it comes later.
import './ui/theme.ts'
import { ToastProvider } from './ui/toasts.tsx'

/** Milliseconds between two reloads for missing chunks; a server that lacks them for good must not loop. */
const RELOAD_PAUSE = 30_000

/** A 401 anywhere means the session ended: to the login, with the way back. */
function onError(error: Error, query?: unknown): void {
  if (!(error instanceof ApiError)) return
  if (error.status === 403) askAnewWhoOneIs()
  if (error.status !== 401) return
  // The guard of the routes asks who one is and redirects by itself.
  if (query instanceof Query && query.queryKey[0] === 'me') return
  leadToLogin(router, client, true)
}

/** A refusal may be the first word of another role, or of a tenant that was suspended. */
function askAnewWhoOneIs(): void {
  for (const key of ['me', 'tenants']) void client.invalidateQueries({ queryKey: [key] }, { cancelRefetch: false })
}

const client = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({
    // A wrong password or code is told where it was typed; the session may be as good as before.
    onError: (error, _variables, _result, mutation) => {
      if (mutation.meta?.isEntrance !== true) onError(error)
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // A refusal does not change by asking again; silence may.
      retry: (failures, error) => !(error instanceof ApiError) && failures < 2,
      refetchOnWindowFocus: true,
    },
  },
})
const router = makeRouter(client)

/**
 * A tab that was open while the server was updated asks for pieces that are gone: load the new console, once. Only when the
 * server answers and has another console than this one: while it is away a reload would leave the browser's error page.
 */
window.addEventListener('vite:preloadError', () => {
  const entry = new URL(import.meta.url).pathname
  void fetch(location.href, { cache: 'no-store' }).then(
    async (answer) => {
      if (!answer.ok || (await answer.text()).includes(entry)) return
      const last = Number(sessionStorage.getItem('lictor.reloaded') ?? 0)
      if (Date.now() - last < RELOAD_PAUSE) return
      sessionStorage.setItem('lictor.reloaded', String(Date.now()))
      location.reload()
    },
    () => {},
  )
})

const container = document.getElementById('root')
if (!container) throw new Error('index.html has no element #root')
createRoot(container).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <ShortcutProvider>
        <ToastProvider>
          <RouterProvider router={router} />
        </ToastProvider>
      </ShortcutProvider>
    </QueryClientProvider>
  </StrictMode>,
)
