/** For agents that read and write files of one folder. Text of a bundle. */
export const fileAgent = String.raw`apiVersion: edictum/v1
kind: ContractBundle
metadata:
  name: file-agent
  description: Keeps a file agent away from secrets, destructive commands and paths outside its folder.
defaults:
  mode: enforce
contracts:
  - id: block-sensitive-reads
    type: pre
    tool: read_file
    when:
      args.path:
        contains_any: [".env", ".secret", "kubeconfig", "credentials", ".pem", "id_rsa"]
    then:
      effect: deny
      message: "{args.path} may hold secrets. Leave it and ask the user for what you need."
      tags: [secrets]
  - id: block-destructive-bash
    type: pre
    tool: bash
    when:
      any:
        - args.command:
            matches: '\brm\s+(?:-\S+\s+)*(?:-[a-zA-Z]*[rR]|--recursive\b)'
        - args.command:
            matches: '\bmkfs\b'
        - args.command:
            matches: '>\s*/dev/'
    then:
      effect: deny
      message: "This command destroys data: {args.command}"
      tags: [destructive]
  - id: block-write-outside-target
    type: pre
    tool: write_file
    when:
      any:
        - args.path:
            starts_with: /
        - args.path:
            starts_with: "~"
        - args.path:
            matches: '(?:^|/)\.\.(?:/|$)'
    then:
      effect: deny
      message: "{args.path} lies outside the target folder. Write to a path relative to it."
      tags: [containment]
`
