// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the contract language
import type { Response } from 'light-my-request'
import type { TestServer } from './harness.ts'

/** A definition that denies a tool when its path contains `what`. */
export const denying = (what: string, tool = 'read_file') => ({
  tool,
  when: { 'args.path': { contains: what } },
  then: { effect: 'deny', message: `No ${what}` },
})

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Calls of the console API as a signed-in person; `headers` for anybody else. */
export function libraryOf(t: TestServer, headers?: Record<string, string>) {
  const call = async (method: Method, url: string, payload?: object): Promise<Response> =>
    t.request({ method, url: `/api/v1${url}`, headers: headers ?? (await t.admin()), ...(payload ? { payload } : {}) })
  return {
    call,
    get: (url: string) => call('GET', url),
    contract: (contract_id: string, definition: object = denying('.env'), more: object = {}) =>
      call('POST', '/contracts', { contract_id, name: contract_id, type: 'pre', definition, ...more }),
    /** Items at positions 10, 20, …, or as given. */
    compose: (name: string, contracts: (string | object)[], more: object = {}) =>
      call('POST', '/compositions', {
        name,
        contracts: contracts.map((each, index) =>
          typeof each === 'string' ? { contract_id: each, position: (index + 1) * 10 } : each,
        ),
        ...more,
      }),
    deploy: (name: string, env = 'production') => call('POST', `/compositions/${name}/deploy`, { env }),
  }
}
