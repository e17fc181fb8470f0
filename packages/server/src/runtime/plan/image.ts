import type { AgentManifestDocument } from '@lictor/aegis'
import type { InstanceImage } from '../../ports/sandbox.ts'

/** The container image of an agent. */
export interface ImagePlan extends InstanceImage {
  /** The agent needs what is in it; one of a standard runtime has nothing that this machine's own interpreters lack. */
  readonly isRequired: boolean
}

/** The image a manifest names, or that of its standard runtime. */
export function imageOf(runtime: AgentManifestDocument['spec']['runtime']): ImagePlan {
  const pullPolicy = runtime.image_pull_policy ?? 'IfNotPresent'
  if (runtime.image === undefined) return { name: standardImage(runtime), pullPolicy, isRequired: false }
  const repository = runtime.image.split('/').at(-1)?.split(/[:@]/)[0]
  return { name: runtime.image, pullPolicy, isRequired: repository !== 'python' && repository !== 'node' }
}

function standardImage({ language, version = '' }: AgentManifestDocument['spec']['runtime']): string {
  // As people write it: 3.12, >=3.10, ^3.11, v20.
  const number = /\d+(?:\.\d+)*/.exec(version)?.[0]
  const tag = (variant: string) => (number === undefined ? variant : `${number}-${variant}`)
  switch (language) {
    case 'python':
      return `docker.io/library/python:${tag('slim')}`
    case 'javascript':
      return `docker.io/library/node:${tag('alpine')}`
    case 'typescript':
      return 'docker.io/library/node:20-alpine'
    // Those on Alpine have no interpreter that a bootstrap could run on; those on Debian have Python.
    case 'go':
      return `docker.io/library/golang:${tag('bookworm')}`
    default:
      return `docker.io/library/rust:${tag('bookworm')}`
  }
}
