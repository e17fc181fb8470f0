import { useQuery } from '@tanstack/react-query'
import { useEffect, useEffectEvent, useRef, useSyncExternalStore } from 'react'
import { ENVIRONMENTS, type Environment } from '../api/types.ts'
import { session } from './session.ts'

/** In an address: every environment, whatever a person chose for all pages. */
export const ALL = 'all'

/** Where a browser keeps things. */
export type Keeping = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

export interface EnvironmentChoices {
  /** What a person chose; undefined: every environment. */
  readonly of: (person: string) => Environment | undefined
  readonly choose: (person: string, env: Environment | undefined) => void
  /** How many parts of the page that is shown go by the choice. */
  readonly takers: () => number
  /** Says that something goes by it, until what is returned is called. */
  readonly take: () => () => void
  readonly subscribe: (listener: () => void) => () => void
}

/** What each person chose in this browser. Another tab hears of it when it is loaded anew: it goes on with what it shows. */
export function createEnvironmentChoices(keeping: () => Keeping): EnvironmentChoices {
  const chosen = new Map<string, Environment | undefined>()
  const listeners = new Set<() => void>()
  const keyOf = (person: string) => `lictor.environment.${person}`
  const tell = () => {
    for (const listener of listeners) listener()
  }
  let taken = 0
  return {
    of(person) {
      if (!chosen.has(person)) chosen.set(person, read(keeping, keyOf(person)))
      return chosen.get(person)
    },
    choose(person, env) {
      chosen.set(person, env)
      try {
        if (env === undefined) keeping().removeItem(keyOf(person))
        else keeping().setItem(keyOf(person), env)
      } catch {
        // A browser that keeps nothing forgets it with the page.
      }
      tell()
    },
    takers: () => taken,
    take() {
      taken++
      tell()
      return () => {
        taken--
        tell()
      }
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

function read(keeping: () => Keeping, key: string): Environment | undefined {
  try {
    const kept = keeping().getItem(key)
    return ENVIRONMENTS.find((one) => one === kept)
  } catch {
    return undefined
  }
}

const choices = createEnvironmentChoices(() => localStorage)

/** The choice of the person who is signed in. */
export function useChoice() {
  const person = useQuery(session.me()).data?.user_id ?? ''
  const chosen = useSyncExternalStore(choices.subscribe, () => choices.of(person))
  const takers = useSyncExternalStore(choices.subscribe, choices.takers)
  return { chosen, takers, choose: (env: Environment | undefined) => choices.choose(person, env) }
}

interface TakeOptions {
  /** The page shows one thing that somebody linked to: what was chosen must not hide it. */
  readonly isLinked?: boolean
}

/**
 * For a page that is filtered by an environment: the one in the address, else the one that the person chose for all pages,
 * which is then written into the address, so that a link leads to the same view.
 *
 * @param inAddress as the address has it; `all` is no filter
 * @param put writes it there; `replace`: without a step that Back takes back
 * @returns `env` to filter by, undefined for none; `none`, what the address takes to say so
 */
export function useEnvironment<Env extends string>(
  inAddress: Env | typeof ALL | undefined,
  put: (env: Environment | typeof ALL | undefined, replace: boolean) => void,
  { isLinked = false }: TakeOptions = {},
): { readonly env: Env | Environment | undefined; readonly none: typeof ALL | undefined } {
  const { chosen } = useChoice()
  const write = useEffectEvent(put)
  const shown = useRef(chosen)
  const none = chosen === undefined ? undefined : ALL
  const byDefault = isLinked ? none : chosen
  useEffect(choices.take, [])
  useEffect(() => {
    const isSwitched = shown.current !== chosen
    shown.current = chosen
    if (isSwitched) write(chosen, false)
    else if (inAddress === undefined && byDefault !== undefined) write(byDefault, true)
  }, [chosen, inAddress, byDefault])
  const env = inAddress ?? byDefault
  return { env: env === ALL ? undefined : env, none }
}
