import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

/** Bytes beyond which the smallest form is not worth its time: only what is loaded later is so large. */
const LARGE = 1_000_000
const QUALITY_OF_LARGE = 9

/** As small as Brotli makes it: files are compressed once and sent many times. */
export const brotli = (content: string | Uint8Array): Buffer =>
  brotliCompressSync(content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: content.length > LARGE ? QUALITY_OF_LARGE : constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    },
  })

/** Leaves each script and style sheet compressed beside itself; the server sends what the client accepts. */
export function compress(): Plugin {
  return {
    name: 'lictor:compress',
    apply: 'build',
    writeBundle({ dir = 'dist' }, bundle) {
      for (const [name, output] of Object.entries(bundle)) {
        if (!/\.(?:js|css)$/.test(name)) continue
        const content = output.type === 'chunk' ? output.code : output.source
        writeFileSync(join(dir, `${name}.br`), brotli(content))
        writeFileSync(join(dir, `${name}.gz`), gzipSync(content, { level: 9 }))
      }
    },
  }
}
