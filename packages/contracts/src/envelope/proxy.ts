/** Tells a Proxy, whose answers may change between two looks. */
type ProxyTest = (value: object) => boolean

interface NodeProcess {
  getBuiltinModule?(name: string): { readonly types?: { readonly isProxy?: ProxyTest } } | undefined
}

/**
 * Node alone can tell. Elsewhere a Proxy is copied like what it stands for, by one look at each property, and the copy is
 * what is judged and run.
 */
export const isProxy: ProxyTest =
  (globalThis as { process?: NodeProcess }).process?.getBuiltinModule?.('node:util')?.types?.isProxy ?? (() => false)
