import { expect, it } from 'vitest'
import { imageOf } from './image.ts'

it.each([
  [{ language: 'python', version: '3.12' }, 'docker.io/library/python:3.12-slim'],
  [{ language: 'python', version: '>=3.10' }, 'docker.io/library/python:3.10-slim'],
  [{ language: 'python', version: '3.x' }, 'docker.io/library/python:3-slim'],
  [{ language: 'python' }, 'docker.io/library/python:slim'],
  [{ language: 'javascript', version: 'v20' }, 'docker.io/library/node:20-alpine'],
  [{ language: 'typescript', version: '5.1' }, 'docker.io/library/node:20-alpine'],
  [{ language: 'go', version: '1.21' }, 'docker.io/library/golang:1.21-bookworm'],
  [{ language: 'rust', version: '1.75' }, 'docker.io/library/rust:1.75-bookworm'],
])('a standard runtime has its image, which nothing but a container needs: %j', (runtime, name) => {
  expect(imageOf(runtime)).toEqual({ name, pullPolicy: 'IfNotPresent', isRequired: false })
})

it.each([
  ['ghcr.io/acme/agent:1', true],
  ['ghcr.io/acme/python-agent:1', true],
  ['docker.io/library/python:3.12-slim', false],
  ['registry:5000/node@sha256:abc', false],
])('an image of its own is needed unless it is one of an interpreter alone: %s', (image, isRequired) => {
  expect(imageOf({ image, image_pull_policy: 'Never' })).toEqual({ name: image, pullPolicy: 'Never', isRequired })
})
