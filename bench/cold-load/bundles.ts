/** A bundle as people write them: texts, roles, paths, numbers, patterns, a sandbox and a session limit. */
export function bundleOf(contracts: number): string {
  const lines = [
    'apiVersion: edictum/v1',
    'kind: ContractBundle',
    'metadata:',
    '  name: cold-load',
    '  description: "What is loaded first."',
    'defaults:',
    '  mode: enforce',
    'tools:',
    '  read_file: { side_effect: read }',
    '  Bash: { side_effect: irreversible }',
    'contracts:',
  ]
  for (let index = 0; index < contracts; index++) lines.push(...contractOf(index))
  return `${lines.join('\n')}\n`
}

function contractOf(index: number): readonly string[] {
  const tool = index % 3 === 0 ? 'Bash' : index % 3 === 1 ? 'read_file' : `tool_${index}`
  const then = (message: string) => [
    '    then:',
    '      effect: deny',
    `      message: "${message}"`,
    `      tags: [bench, group-${index % 7}]`,
  ]
  const pre = (...when: readonly string[]) => [
    `  - id: contract-${index}`,
    '    type: pre',
    `    tool: ${tool}`,
    '    when:',
    ...when,
  ]
  switch (index % 10) {
    case 1:
      return [
        ...pre('      args.path:', `        contains_any: [".env", "id_rsa", "secret-${index}"]`),
        ...then('{args.path} may hold secrets.'),
      ]
    case 3:
      return [
        ...pre(
          '      all:',
          '        - environment: { equals: production }',
          `        - principal.role: { not_in: [admin, sre, "role-${index}"] }`,
        ),
        ...then('Only administrators in production, not {principal.role}.'),
      ]
    case 5:
      return [
        ...pre('      args.command:', `        matches: '\\brm\\s+-[rf]+\\s+/srv/${index}\\b'`),
        ...then('No removal of /srv.'),
      ]
    case 7:
      return [
        `  - id: contract-${index}`,
        '    type: post',
        `    tool: ${tool}`,
        '    when:',
        `      output.text: { matches: '\\b\\d{3}-\\d{2}-${String(index).padStart(4, '0')}\\b' }`,
        '    then:',
        '      effect: redact',
        '      message: "A number was struck out."',
      ]
    case 9:
      return [
        ...pre(
          '      any:',
          `        - args.amount: { gt: ${1_000 + index} }`,
          `        - args.currency: { not_in: [EUR, USD] }`,
        ),
        ...then('Too much: {args.amount}.'),
      ]
    default:
      return [
        ...pre('      args.command:', `        starts_with: "danger-${index} "`),
        ...then(`Refused by contract-${index}.`),
      ]
  }
}
