/** The guard's telemetry, sent by the real OpenTelemetry SDK and read by a collector of this test. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Edictum, silentLogger } from '@lictor/guard'
import { govern } from '@lictor/guard/fetch-tools'
import { configureOtel, hasOtel } from '@lictor/guard/otel'
import { expect, test } from 'vitest'

interface Value {
  readonly stringValue?: string
  readonly intValue?: number
  readonly boolValue?: boolean
}

interface Attributes {
  readonly attributes: readonly { readonly key: string; readonly value: Value }[]
}

interface SentSpan extends Attributes {
  readonly name: string
  readonly status: { readonly code?: number; readonly message?: string }
}

interface SentMetric {
  readonly name: string
  readonly sum?: {
    readonly dataPoints: readonly (Attributes & { readonly asDouble?: number; readonly asInt?: string })[]
  }
}

interface Sent {
  readonly resourceSpans?: readonly {
    readonly resource: Attributes
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[]
  }[]
  readonly resourceMetrics?: readonly {
    readonly resource: Attributes
    readonly scopeMetrics: readonly { readonly metrics: readonly SentMetric[] }[]
  }[]
}

const plain = ({ attributes }: Attributes) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? value.boolValue]))

/** A collector on a free port that takes OTLP over HTTP as JSON. */
async function collector() {
  const requests: { path: string; type: string; body: Buffer }[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      requests.push({
        path: request.url ?? '',
        type: request.headers['content-type'] ?? '',
        body: Buffer.concat(chunks),
      })
      response.setHeader('content-type', request.headers['content-type'] ?? '')
      response.end(request.headers['content-type'] === 'application/json' ? '{}' : '')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const sent = () => requests.map(({ body }) => JSON.parse(body.toString()) as Sent)
  const spans = () =>
    sent().flatMap(({ resourceSpans = [] }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
    )
  const counted = () =>
    sent().flatMap(({ resourceMetrics = [] }) =>
      resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics)),
    )
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { endpoint, requests, sent, spans, counted, close }
}

const CONTRACTS = `
apiVersion: edictum/v1
kind: ContractBundle
metadata: { name: otel }
defaults: { mode: enforce }
tools: { read_file: { side_effect: read } }
contracts:
  - { id: no-env, type: pre, tool: read_file, when: { args.path: { contains: ".env" } }, then: { effect: deny, message: "No secrets." } }
`

test('spans and counters of governed calls arrive at the collector, with the conventions for generative AI', async () => {
  const { endpoint, sent, spans, counted, close } = await collector()
  try {
    expect(await hasOtel()).toBe(true)
    const otel = await configureOtel({
      endpoint,
      protocol: 'http',
      serviceName: 'by option',
      resourceAttributes: { team: 'files' },
      environmentVariables: {
        OTEL_SERVICE_NAME: 'by environment',
        OTEL_RESOURCE_ATTRIBUTES: 'team=law,region=eu%20west',
      },
    })
    expect(otel.isConfigured).toBe(true)
    const guard = Edictum.fromYamlString(CONTRACTS, { telemetry: otel.telemetry, logger: silentLogger })
    const registry = govern(guard, { sessionId: 'talk' }).add({ name: 'read_file', description: 'Reads' }, () => 'text')
    await registry.execute('read_file', { path: 'data.csv' }, { toolUseId: 'c1' })
    await registry.execute('read_file', { path: '.env' }, { toolUseId: 'c2' })
    await otel.shutdown()
    const tools = spans().filter(({ name }) => name === 'tool.execute read_file')
    expect(tools.map(plain)).toEqual([
      expect.objectContaining({
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'read_file',
        'gen_ai.tool.type': 'function',
        'gen_ai.tool.call.id': 'c1',
        'gen_ai.conversation.id': 'talk',
        'tool.name': 'read_file',
        'governance.action': 'allowed',
        'governance.tool_success': true,
      }),
      expect.objectContaining({
        'gen_ai.tool.call.id': 'c2',
        'governance.action': 'denied',
        'governance.reason': 'No secrets.',
        'error.type': 'EdictumDenied',
      }),
    ])
    expect(tools.map(({ status }) => status.code)).toEqual([1, 2])
    const verdicts = spans()
      .filter(({ name }) => name === 'edictum.evaluate')
      .map((span) => plain(span)['edictum.verdict'])
    expect(verdicts).toEqual(['call_allowed', 'call_executed', 'call_denied'])
    const counters = counted().map(({ name, sum }) => [
      name,
      sum?.dataPoints.map((point) => [plain(point)['tool.name'], Number(point.asDouble ?? point.asInt)]),
    ])
    expect(counters).toEqual([
      ['edictum.calls.denied', [['read_file', 1]]],
      ['edictum.calls.allowed', [['read_file', 1]]],
    ])
    const [resource] = sent().flatMap(({ resourceSpans = [] }) => resourceSpans.map((one) => plain(one.resource)))
    expect(resource).toMatchObject({
      'service.name': 'by environment',
      team: 'law',
      region: 'eu west',
      'edictum.version': '0.1.0',
    })
  } finally {
    close()
  }
})

test('protobuf goes to the paths of each signal below the address', async () => {
  const { endpoint, requests, close } = await collector()
  try {
    const otel = await configureOtel({
      endpoint: `${endpoint}/v1/traces`,
      protocol: 'http/protobuf',
      force: true,
      environmentVariables: {},
    })
    const guard = Edictum.fromYamlString(CONTRACTS, { telemetry: otel.telemetry, logger: silentLogger })
    await guard.run('read_file', { path: 'x' }, () => 'text')
    await otel.shutdown()
    expect(requests.map(({ path, type }) => [path, type]).sort()).toEqual([
      ['/v1/metrics', 'application/x-protobuf'],
      ['/v1/traces', 'application/x-protobuf'],
    ])
    expect(requests.some(({ body }) => body.includes('tool.execute read_file'))).toBe(true)
  } finally {
    close()
  }
})

test('a provider that is registered stays and is used, unless it is to be replaced', async () => {
  const { endpoint, spans, close } = await collector()
  try {
    const first = await configureOtel({ endpoint, protocol: 'http', force: true, environmentVariables: {} })
    const second = await configureOtel({ endpoint: 'http://127.0.0.1:1', protocol: 'http', environmentVariables: {} })
    expect([first.isConfigured, second.isConfigured]).toEqual([true, false])
    const guard = Edictum.fromYamlString(CONTRACTS, { telemetry: second.telemetry, logger: silentLogger })
    await guard.run('read_file', { path: 'x' }, () => 'text')
    await second.shutdown()
    await first.shutdown()
    expect(spans().map(({ name }) => name)).toContain('tool.execute read_file')
  } finally {
    close()
  }
})

test('an address that is none of HTTP is refused, as is a package that is not installed', async () => {
  for (const endpoint of ['file:///etc/passwd', 'collector:4317', 'http://x\n'])
    await expect(configureOtel({ endpoint, environmentVariables: {} })).rejects.toThrow('The OTLP endpoint')
  await expect(configureOtel({ protocol: 'grpc', force: true, environmentVariables: {} })).rejects.toThrow(
    'npm install @opentelemetry/exporter-metrics-otlp-grpc',
  )
})
