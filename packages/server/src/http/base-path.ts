/** The path of the public address, without a slash at its end: '' for https://x.example, '/lictor' for https://x.example/lictor/. */
export const basePathOf = (baseUrl: string): string =>
  baseUrl === '' ? '' : new URL(baseUrl).pathname.replace(/\/+$/, '')

/**
 * The address of a request as routes know it. A proxy may hand requests on with the path of the public address or without it;
 * both reach the same route, and what stands beside the path reaches none of it.
 */
export function withinBasePath(url: string, basePath: string): string {
  if (basePath === '' || !url.startsWith(basePath)) return url
  const rest = url.slice(basePath.length)
  if (rest === '') return '/'
  return rest.startsWith('/') ? rest : rest.startsWith('?') ? `/${rest}` : url
}
