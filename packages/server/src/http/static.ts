import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import fastifyStatic from '@fastify/static'
import Type from 'typebox'
import { NotFound } from '../errors.ts'
import { policyOfPage } from './security-headers.ts'
import type { App } from './server.ts'

const open = { access: 'public', scope: 'none' } as const

/** The console's built files and the browsable API reference, both without any other host. */
export async function registerStatic(
  app: App,
  { consoleDir, hasDocs, basePath }: { consoleDir: string | null; hasDocs: boolean; basePath: string },
): Promise<void> {
  const index = consoleDir ? join(consoleDir, 'index.html') : null
  const isBuilt = index !== null && existsSync(index)
  // Built for any path: where its files lie is said here, for pages however deep.
  const page = isBuilt ? readFileSync(index, 'utf8').replaceAll('"./', `"${basePath}/dashboard/`) : null
  const policy = policyOfPage(page ?? '')
  // The build leaves each file compressed beside it; which one is sent is for the client to say.
  if (consoleDir)
    await app.register(fastifyStatic, { root: join(consoleDir, 'assets'), serve: false, preCompressed: true })
  const serve = { config: open, schema: { hide: true }, exposeHeadRoute: true }
  app.get('/dashboard', serve, async (_request, reply) => reply.redirect(`${basePath}/dashboard/`, 307))
  app.get(
    '/dashboard/assets/:file',
    { exposeHeadRoute: true, config: open, schema: { hide: true, params: Type.Object({ file: Type.String() }) } },
    async (request, reply) => {
      if (!isBuilt || !existsSync(join(consoleDir ?? '', 'assets', basename(request.params.file))))
        throw new NotFound('There is no such asset.')
      // The name holds a hash of the content, so what it names never changes.
      return reply.sendFile(basename(request.params.file), { immutable: true, maxAge: '365d' })
    },
  )
  // Deeper than any asset lies: nothing there is a page of the console.
  app.get('/dashboard/assets/*', serve, async () => {
    throw new NotFound('There is no such asset.')
  })
  app.get('/dashboard/*', serve, async (_request, reply) => {
    if (page === null)
      return reply
        .code(404)
        .type('text/html; charset=utf-8')
        .send('<!doctype html><title>Lictor</title><p>The console is not built. Run <code>npm run build</code>.</p>')
    return reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-cache')
      .header('content-security-policy', policy)
      .send(page)
  })
  if (hasDocs) await registerReference(app, basePath)
}

async function registerReference(app: App, basePath: string): Promise<void> {
  const root = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  const serve = { config: open, schema: { hide: true }, exposeHeadRoute: true }
  const files = { 'swagger-ui.css': 'text/css', 'swagger-ui-bundle.js': 'text/javascript' }
  for (const [file, type] of Object.entries(files)) {
    // Read when asked for: the reference page is opened rarely and its script is large.
    app.get(`/docs/${file}`, serve, async (_request, reply) =>
      reply
        .type(type)
        .header('cache-control', 'max-age=86400')
        .send(readFileSync(join(root, file))),
    )
  }
  const page = referencePage(basePath)
  const policy = policyOfPage(page)
  app.get('/docs', serve, async (_request, reply) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', policy).send(page),
  )
}

const referencePage = (basePath: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>Lictor API</title><link rel="stylesheet" href="${basePath}/docs/swagger-ui.css">
<style>
body { margin: 0 }
html.dark-mode body { background: #1c2022 }
html.dark-mode .swagger-ui .header-col { color: #e4e6e6 }
@media (max-width: 640px) {
  .swagger-ui .info table { display: block; overflow-x: auto }
  .swagger-ui .wrapper { padding: 0 12px }
  .swagger-ui .opblock .opblock-summary { flex-wrap: wrap }
  .swagger-ui .opblock .opblock-summary-path, .swagger-ui .opblock-tag { max-width: 100%; overflow-wrap: anywhere }
  .swagger-ui .opblock-tag { flex-wrap: wrap }
  .swagger-ui .opblock-body, .swagger-ui .servers { overflow-x: auto }
  .swagger-ui select { max-width: 100% }
}
</style>
</head>
<body><div id="reference"></div><script src="${basePath}/docs/swagger-ui-bundle.js"></script>
<script>
const dark = matchMedia('(prefers-color-scheme: dark)')
const paint = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', paint)
paint()
SwaggerUIBundle({
  url: '${basePath}/openapi.json', dom_id: '#reference', deepLinking: true, docExpansion: 'none', filter: true, defaultModelsExpandDepth: 0,
  requestInterceptor: (r) => { r.headers['X-Requested-With'] = 'lictor-reference'; return r },
})
</script></body>
</html>
`
