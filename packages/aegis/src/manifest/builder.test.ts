import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { AgentManifestBuilder } from './builder.ts'
import { ManifestError } from './errors.ts'
import { AgentManifest } from './manifest.ts'
import { ImagePullPolicy } from './types.ts'

describe('the builder', () => {
  test('builds the manifest of the SDK documentation', async () => {
    const manifest = new AgentManifestBuilder('my-agent', 'python', '3.12')
      .withDescription('Analyses Python repos for security issues')
      .withLabel('team', 'ci')
      .withInstruction('You are a security auditor.\nAnalyse the code and report CVEs.')
      .withExecutionMode('iterative', 15)
      .withImagePullPolicy(ImagePullPolicy.IF_NOT_PRESENT)
      .withBootstrapPath('/opt/boot.py')
      .withNetworkAllow(['api.github.com', 'pypi.org'])
      .withTool('read_file')
      .withTool('run_command')
      .withEnv('LOG_LEVEL', 'debug')
      .build()
    expect(manifest.validateManifest()).toBe(true)
    expect(manifest.toYaml()).toBe(`apiVersion: 100monkeys.ai/v1
kind: Agent
metadata:
  name: my-agent
  version: 1.0.0
  description: Analyses Python repos for security issues
  labels:
    team: ci
spec:
  runtime:
    language: python
    version: "3.12"
    image_pull_policy: IfNotPresent
  task:
    instruction: |-
      You are a security auditor.
      Analyse the code and report CVEs.
  execution:
    mode: iterative
    max_iterations: 15
  security:
    network:
      mode: allow
      allowlist:
        - api.github.com
        - pypi.org
  tools:
    - read_file
    - run_command
  env:
    LOG_LEVEL: debug
  advanced:
    bootstrap_path: /opt/boot.py
`)
    const folder = await mkdtemp(join(tmpdir(), 'manifest-'))
    try {
      const path = join(folder, 'agent.yaml')
      await manifest.toYamlFile(path)
      expect(await readFile(path, 'utf8')).toBe(manifest.toYaml())
      expect((await AgentManifest.fromYamlFile(path)).toJSON()).toEqual(manifest.toJSON())
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('withImage replaces language and version', () => {
    const manifest = new AgentManifestBuilder('a', 'python', '3.12').withImage('ghcr.io/o/i:1').build()
    expect(manifest.spec.runtime).toEqual({ image: 'ghcr.io/o/i:1' })
  })

  test('build refuses an invalid name and a missing runtime', () => {
    let error: unknown
    try {
      new AgentManifestBuilder('Nope').build()
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(ManifestError)
    expect((error as ManifestError).issues.map(({ path }) => path)).toEqual(['metadata.name', 'spec.runtime'])
  })

  test('what was built does not change when the builder goes on', () => {
    const builder = new AgentManifestBuilder('a', 'go', '1.21').withTool('fs.read')
    const first = builder.build()
    builder.withTool('fs.write').withManifestVersion('2.0.0')
    expect(first.spec.tools).toEqual(['fs.read'])
    expect(first.metadata.version).toBe('1.0.0')
  })
})
