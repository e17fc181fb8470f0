import { lookup } from 'node:dns/promises'

/** Names as the operating system resolves them. */
export const systemResolve = async (hostname: string): Promise<string[]> =>
  (await lookup(hostname, { all: true })).map(({ address }) => address)
