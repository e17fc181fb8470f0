import { Check, Minus } from 'lucide-react'
import { Fragment } from 'react'
import { Card, CardHeading } from '../../ui/page.tsx'
import type { Role } from './queries.ts'

/** From the least to the most. */
export const ROLES: readonly Role[] = ['viewer', 'member', 'admin', 'owner']

/** What may be done, and the least role for it: the words of the server's own table (`identity/roles.ts`); a test compares them. */
const PERMISSIONS: readonly { readonly name: string; readonly least: Role; readonly means: string }[] = [
  {
    name: 'view',
    least: 'viewer',
    means:
      'See what the tenant has: contracts, bundles, agents, events, approvals, executions, workflows, volumes, members; look after one’s own sessions, password and second factor.',
  },
  {
    name: 'work',
    least: 'member',
    means:
      'Write and deploy contracts, decide approvals, deploy and run agents and workflows, use volumes and credentials, make API keys of one’s own for the runtime.',
  },
  {
    name: 'administer',
    least: 'admin',
    means:
      'Invite, promote and remove members up to administrators; make and revoke API keys and service accounts; channels, signing keys, the assistant’s settings, purges; read and write secrets; read what administrators did.',
  },
  { name: 'own', least: 'owner', means: 'Make and unmake owners; single sign-on; delete the tenant.' },
]

/** Which role may what. */
export function Roles({ mine }: { mine: Role | undefined }) {
  return (
    <Card className="overflow-hidden">
      <CardHeading>Which role may what</CardHeading>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <section tabIndex={0} aria-label="Roles and permissions" className="relative overflow-x-auto">
        <table className="w-full min-w-[34rem] text-left text-sm">
          <thead>
            <tr className="border-b">
              <th scope="col" className="px-4 py-2 font-medium text-muted">
                May
              </th>
              {ROLES.map((role) => (
                <th key={role} scope="col" className="w-20 px-2 py-2 text-center font-medium">
                  {role}
                  {role === mine && <span className="block font-normal text-muted text-xs">yours</span>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="divide-y">
            {PERMISSIONS.map(({ name, least, means }) => (
              <tr key={name}>
                <th scope="row" className="px-4 py-3 text-left font-normal">
                  <span className="font-medium">{name}</span>
                  <span className="mt-0.5 block max-w-xl text-pretty text-muted">{means}</span>
                </th>
                {ROLES.map((role) => (
                  <td key={role} className="px-2 py-3 text-center align-top">
                    {ROLES.indexOf(role) >= ROLES.indexOf(least) ? (
                      <Fragment>
                        <Check className="mx-auto size-4 text-allow" aria-hidden />
                        <span className="sr-only">yes</span>
                      </Fragment>
                    ) : (
                      <Fragment>
                        <Minus className="mx-auto size-4 text-faint" aria-hidden />
                        <span className="sr-only">no</span>
                      </Fragment>
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </Card>
  )
}
