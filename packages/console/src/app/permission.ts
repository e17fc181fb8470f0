import { useQuery } from '@tanstack/react-query'
import type { Me } from '../api/types.ts'
import { session } from './session.ts'

/**
 * What may be done, and the least role it takes, as the server's table has it (`identity/roles.ts`). The server judges each
 * call; this only keeps from people what would be refused, and says why. `operate` is of who looks after the installation.
 */
const LEAST = {
  view: 'viewer',
  work: 'member',
  administer: 'admin',
  own: 'owner',
  operate: 'admin',
} as const
export type Permission = keyof typeof LEAST

const ROLES: readonly Me['role'][] = ['viewer', 'member', 'admin', 'owner']

/** Whether a person may. */
export const isAllowed = (me: Pick<Me, 'role' | 'is_operator'>, needs: Permission): boolean =>
  ROLES.indexOf(me.role) >= ROLES.indexOf(LEAST[needs]) && (needs !== 'operate' || me.is_operator)

const WHOM: Readonly<Record<Permission, string>> = {
  view: 'the role viewer or a higher one',
  work: 'the role member or a higher one',
  administer: 'the role admin or a higher one',
  own: 'an owner',
  operate: 'somebody who looks after the installation: an administrator of its first tenant',
}

/** Why a person may not, in a sentence. */
export const whyNot = (me: Pick<Me, 'role'>, needs: Permission): string =>
  `This takes ${WHOM[needs]}; your role is ${me.role}.`

/** Null when the signed-in person may, else why not; until it is known who is signed in, nobody is kept from anything. */
export function useRefusal(needs: Permission): string | null {
  const me = useQuery(session.me()).data
  return me && !isAllowed(me, needs) ? whyNot(me, needs) : null
}
