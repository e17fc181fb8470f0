/** For agents that deploy. Text of a bundle. */
export const devopsAgent = String.raw`apiVersion: edictum/v1
kind: ContractBundle
metadata:
  name: devops-agent
  description: Lets only senior people with a ticket deploy to production, and keeps an agent from secrets and destruction.
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
  - id: prod-deploy-requires-senior
    type: pre
    tool: deploy_service
    when:
      all:
        - environment:
            equals: production
        - principal.role:
            not_in: [senior_engineer, sre, admin]
    then:
      effect: deny
      message: "The role {principal.role} may not deploy to production. Ask a senior engineer, an SRE or an admin."
      tags: [production]
  - id: prod-requires-ticket
    type: pre
    tool: deploy_service
    when:
      all:
        - environment:
            equals: production
        - principal.ticket_ref:
            exists: false
    then:
      effect: deny
      message: A deployment to production needs a ticket.
      tags: [production, change-control]
  - id: pii-in-output
    type: post
    tool: "*"
    when:
      output.text:
        matches_any: ['\b\d{3}-\d{2}-\d{4}\b']
    then:
      effect: warn
      message: The output seems to contain a social security number. Do not repeat it.
      tags: [pii]
  - id: session-limits
    type: session
    limits:
      max_tool_calls: 20
      max_attempts: 50
    then:
      effect: deny
      message: This session has used up its tool calls. Report the state to the user.
      tags: [limits]
`
