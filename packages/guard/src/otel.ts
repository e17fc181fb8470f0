/** `@lictor/guard/otel`: sets OpenTelemetry up for a program that has none yet, and hands the guard its telemetry. */
import { configError } from './errors.ts'
import { GovernanceTelemetry, type TelemetryApi } from './telemetry.ts'
import { VERSION } from './version.ts'

export interface OtelOptions {
  /** Default `edictum-agent`; the variable OTEL_SERVICE_NAME wins. */
  readonly serviceName?: string
  /** Address of the collector, default `http://localhost:4317`, over HTTP 4318; OTEL_EXPORTER_OTLP_ENDPOINT wins. */
  readonly endpoint?: string
  /** `grpc` (default), `http` (JSON) or `http/protobuf`; OTEL_EXPORTER_OTLP_PROTOCOL wins. */
  readonly protocol?: 'grpc' | 'http' | 'http/protobuf'
  /** Added to the resource; OTEL_RESOURCE_ATTRIBUTES (`key=value,key=value`) is added last. */
  readonly resourceAttributes?: Readonly<Record<string, string>>
  /** The attribute `edictum.version`; default the version of this package. */
  readonly edictumVersion?: string
  /** Takes the place of a provider that is registered already; default false, which leaves it and uses it. */
  readonly force?: boolean
  /** Default the process's environment. */
  readonly environmentVariables?: Readonly<Record<string, string | undefined>>
}

export interface Otel {
  /** For the option `telemetry` of a guard. Does nothing where `@opentelemetry/api` is not installed. */
  readonly telemetry: GovernanceTelemetry
  /** Whether this call registered providers: false where there were some, or OpenTelemetry is not installed. */
  readonly isConfigured: boolean
  /** Sends what waits and ends what this call registered. */
  readonly shutdown: () => Promise<void>
}

/** What is used of `@opentelemetry/api` beyond what the guard speaks to. */
interface Api extends TelemetryApi {
  readonly trace: NonNullable<TelemetryApi['trace']> & {
    getTracerProvider(): { getDelegate?(): object }
    setGlobalTracerProvider(provider: unknown): boolean
    disable(): void
  }
  readonly metrics: NonNullable<TelemetryApi['metrics']> & {
    setGlobalMeterProvider(provider: unknown): boolean
    disable(): void
  }
}

interface Provider {
  shutdown(): Promise<void>
}

type Class = new (options?: unknown) => Provider

const GRPC_DEFAULT = 'http://localhost:4317'
const HTTP_DEFAULT = 'http://localhost:4318'

const EXPORTERS = {
  grpc: ['exporter-trace-otlp-grpc', 'exporter-metrics-otlp-grpc'],
  http: ['exporter-trace-otlp-http', 'exporter-metrics-otlp-http'],
  'http/protobuf': ['exporter-trace-otlp-proto', 'exporter-metrics-otlp-proto'],
} as const

/** Whether `@opentelemetry/api` is installed. */
export async function hasOtel(): Promise<boolean> {
  return (await loadApi()) !== null
}

/**
 * Registers a tracer and a meter provider that send spans and counters to a collector over OTLP, unless the program has
 * registered one, and makes the telemetry of a guard: `Edictum.fromYaml(path, { telemetry })`.
 * @throws EdictumConfigError for an address that is none of HTTP, and for a package that has to be installed for the protocol
 */
export async function configureOtel(options: OtelOptions = {}): Promise<Otel> {
  const { serviceName, endpoints, protocol, attributes } = settingsOf(options)
  const api = await loadApi()
  if (api === null) return { telemetry: new GovernanceTelemetry(), isConfigured: false, shutdown: async () => {} }
  if (isRegistered(api) && !options.force) {
    return { telemetry: new GovernanceTelemetry(api), isConfigured: false, shutdown: async () => {} }
  }
  const [traceExporter, metricExporter] = EXPORTERS[protocol]
  const [base, metrics, resources, traceOut, metricOut] = await Promise.all([
    load('sdk-trace-base'),
    load('sdk-metrics'),
    load('resources'),
    load(traceExporter),
    load(metricExporter),
  ])
  const resourceOf = resources.resourceFromAttributes as (attributes: object) => unknown
  const resource = resourceOf({ 'service.name': serviceName, ...attributes })
  const make = (of: Module, name: string, given?: unknown) => new (of[name] as Class)(given)
  const spans = make(base, 'BatchSpanProcessor', make(traceOut, 'OTLPTraceExporter', { url: endpoints.traces }))
  const exporter = make(metricOut, 'OTLPMetricExporter', { url: endpoints.metrics })
  const reader = make(metrics, 'PeriodicExportingMetricReader', { exporter })
  const tracers = make(base, 'BasicTracerProvider', { resource, spanProcessors: [spans] })
  const meters = make(metrics, 'MeterProvider', { resource, readers: [reader] })
  if (options.force) {
    api.trace.disable()
    api.metrics.disable()
  }
  api.trace.setGlobalTracerProvider(tracers)
  api.metrics.setGlobalMeterProvider(meters)
  const shutdown = async (): Promise<void> => {
    await Promise.allSettled([tracers.shutdown(), meters.shutdown()])
  }
  return { telemetry: new GovernanceTelemetry(api), isConfigured: true, shutdown }
}

/** Environment wins over options, as everywhere in OpenTelemetry. */
function settingsOf(options: OtelOptions) {
  const env = options.environmentVariables ?? process.env
  const protocol = protocolOf(env.OTEL_EXPORTER_OTLP_PROTOCOL || options.protocol || 'grpc')
  const given = env.OTEL_EXPORTER_OTLP_ENDPOINT || options.endpoint || GRPC_DEFAULT
  const endpoint = checkEndpoint(protocol !== 'grpc' && given === GRPC_DEFAULT ? HTTP_DEFAULT : given)
  const attributes = {
    'edictum.version': options.edictumVersion ?? VERSION,
    ...options.resourceAttributes,
    ...attributesOf(env.OTEL_RESOURCE_ATTRIBUTES ?? ''),
  }
  const serviceName = env.OTEL_SERVICE_NAME || options.serviceName || 'edictum-agent'
  return { serviceName, protocol, attributes, endpoints: endpointsOf(endpoint, protocol) }
}

/** Everything but gRPC is HTTP; `http/json` is what others call ours. */
function protocolOf(protocol: string): keyof typeof EXPORTERS {
  if (protocol === 'grpc' || protocol === 'http/protobuf') return protocol
  return 'http'
}

function checkEndpoint(endpoint: string): string {
  const isAddress = !/[\u0000-\u001f\u007f]/.test(endpoint) && URL.canParse(endpoint) && /^https?:\/\//i.test(endpoint)
  if (isAddress) return endpoint.replace(/\/+$/, '')
  throw configError(`The OTLP endpoint ${JSON.stringify(endpoint.slice(0, 200))} is no http:// or https:// address.`)
}

/** Over HTTP each signal has a path of its own below the collector's address. */
function endpointsOf(endpoint: string, protocol: string): { readonly traces: string; readonly metrics: string } {
  if (protocol === 'grpc') return { traces: endpoint, metrics: endpoint }
  const collector = endpoint.replace(/\/v1\/(?:traces|metrics)$/, '')
  return { traces: `${collector}/v1/traces`, metrics: `${collector}/v1/metrics` }
}

function attributesOf(text: string): Record<string, string> {
  const pairs = text.split(',').flatMap((pair) => {
    const at = pair.indexOf('=')
    return at > 0 ? [[pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim())]] : []
  })
  return Object.fromEntries(pairs) as Record<string, string>
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

/** A provider that somebody registered stands behind the one that OpenTelemetry hands out. */
function isRegistered(api: Api): boolean {
  const delegate = api.trace.getTracerProvider().getDelegate?.()
  return delegate !== undefined && delegate.constructor.name !== 'NoopTracerProvider'
}

type Module = Readonly<Record<string, unknown>>

async function loadApi(): Promise<Api | null> {
  try {
    const name = '@opentelemetry/api'
    return (await import(name)) as Api
  } catch {
    return null
  }
}

async function load(part: string): Promise<Module> {
  const name = `@opentelemetry/${part}`
  try {
    return (await import(name)) as Module
  } catch (cause) {
    throw configError(`The package ${name} is needed to send telemetry this way: npm install ${name}`, { cause })
  }
}
