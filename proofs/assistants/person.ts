import type { Administrator } from '../../e2e/support/server.ts'
import type { Person } from './cases.ts'

/** An administrator of a real server who approves whatever is asked. */
export async function personOf(admin: Administrator): Promise<Person> {
  return {
    url: admin.url,
    apiKey: await admin.createKey(),
    approveAll() {
      let approved = 0
      let isOver = false
      const deciding = (async () => {
        while (!isOver) {
          try {
            for (const { id } of await admin.call<{ id: string }[]>('GET', '/api/v1/approvals?status=pending')) {
              await admin.decide(id, true)
              approved++
            }
          } catch {
            // A connection that the server closed meanwhile: asked again in a moment.
          }
          await new Promise((resolve) => setTimeout(resolve, 250))
        }
      })()
      return {
        async stop() {
          isOver = true
          await deciding
          return approved
        },
      }
    },
  }
}
