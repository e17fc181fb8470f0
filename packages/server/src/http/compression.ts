import { constants } from 'node:zlib'
import compress from '@fastify/compress'
import type { App } from './server.ts'

/** Bytes below which an answer is sent as it is: compressing it would cost more than it saves. */
const SMALLEST = 1024

/**
 * Answers of text are compressed as the client accepts. Event streams never are: they take over the connection before this
 * is asked, and their type is not among these. Files that were compressed when they were built are sent as they are.
 */
export async function registerCompression(app: App): Promise<void> {
  await app.register(compress, {
    global: true,
    threshold: SMALLEST,
    encodings: ['br', 'gzip'],
    customTypes: /^(?:application\/json|text\/(?:html|css|javascript))(?:;|$)/,
    // Answers are made for one reader and thrown away: a quick level, unlike for files.
    brotliOptions: {
      params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT },
    },
    zlibOptions: { level: 6 },
    // Requests are read by the body parsers alone, which know how large one may be.
    globalDecompression: false,
    removeContentLengthHeader: true,
  })
}
