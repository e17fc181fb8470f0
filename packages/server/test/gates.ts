import type { TestServer } from './harness.ts'

/** Upload a document of gates as somebody who may; its version. */
export async function uploadGates(t: TestServer, yaml: string): Promise<number> {
  const answer = await t.request({
    method: 'POST',
    url: '/api/v1/gates',
    headers: await t.admin(),
    payload: { yaml_content: yaml },
  })
  if (answer.statusCode !== 201) throw new Error(answer.body)
  return answer.json<{ version: number }>().version
}

/** Put gates before the agents of a bundle in an environment, or take them back. */
export async function putGates(
  t: TestServer,
  bundle: string,
  gates: { readonly name: string; readonly version: number } | null,
  env = 'production',
) {
  return t.request({
    method: 'PUT',
    url: `/api/v1/bundles/${bundle}/gates`,
    headers: await t.admin(),
    payload: { env, gates },
  })
}
