/** A small valid bundle; `contracts` says how many it holds, `padding` adds bytes of comment. */
export function bundleYaml(name: string, options: { contracts?: number; padding?: number } = {}): string {
  const { contracts = 1, padding = 0 } = options
  const list = Array.from(
    { length: contracts },
    (_, index) => `  - id: block-${index}
    type: pre
    tool: read_file
    when:
      args.path:
        contains: .env${index}
    then:
      effect: deny
      message: Sensitive file {args.path}
`,
  ).join('')
  return `apiVersion: edictum/v1
kind: ContractBundle
metadata:
  name: ${name}
defaults:
  mode: enforce
contracts:
${list}${padding > 0 ? `# ${'x'.repeat(padding)}\n` : ''}`
}
