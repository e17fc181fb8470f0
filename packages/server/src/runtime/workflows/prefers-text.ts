const json: readonly string[] = ['application/json', 'application/*', '*/*']
const texts: readonly string[] = ['text/plain', 'text/yaml', 'text/*', 'application/yaml', 'application/x-yaml']

/**
 * Whether a client takes text and no JSON. Most send a list that has both, or a star, and want JSON all the same; a type with `q=0`
 * is not accepted.
 */
export function prefersText(accept: string | undefined): boolean {
  const types = (accept ?? '').split(',').flatMap((entry) => {
    const [type = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase())
    return parameters.some((parameter) => /^q=0(\.0{0,3})?$/.test(parameter)) ? [] : [type]
  })
  return types.some((type) => texts.includes(type)) && !types.some((type) => json.includes(type))
}
