import { join } from 'node:path'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { budget } from './bundling/budget.ts'
import { compress } from './bundling/compress.ts'
import { entryChunk } from './bundling/entry-chunk.ts'

/** Bytes of script, compressed by Brotli, that the first route may ask for. */
const FIRST_ROUTE = 130_000
/** And those that each other route may ask for beyond them. */
const OTHER_ROUTE = 60_000

/**
 * The server serves `dist/` under `/dashboard/`. The condition `@lictor/source` reads the workspace's other
 * packages from their TypeScript, so that the console builds from a fresh clone before anything else was built.
 */
export default defineConfig(({ command }) => {
  // What is built is what people are served, whatever the builder's own environment is for.
  if (command === 'build') process.env.NODE_ENV = 'production'
  return {
    // Relative once built: the server says in the page below which path it serves.
    base: command === 'build' ? './' : '/dashboard/',
    plugins: [
      react(),
      tailwindcss(),
      compress(),
      budget({ first: '/overview/page.tsx', firstBytes: FIRST_ROUTE, otherBytes: OTHER_ROUTE }),
    ],
    resolve: { conditions: ['@lictor/source', 'module', 'browser', 'development|production'] },
    worker: { format: 'es' },
    build: {
      target: 'es2023',
      sourcemap: false,
      rolldownOptions: {
        // Manifests can be read from files, which the console never does.
        external: ['node:fs/promises'],
        output: {
          // The entry names every file: a short hash alone is the least that tells them apart.
          chunkFileNames: 'assets/[hash:7].js',
          codeSplitting: {
            groups: [
              { debugName: 'console', name: entryChunk(join(import.meta.dirname, 'src/main.tsx'), ['lucide-react']) },
            ],
          },
        },
      },
      reportCompressedSize: false,
      chunkSizeWarningLimit: 700,
    },
    server: {
      proxy: { '/api': process.env.LICTOR_URL ?? 'http://localhost:8000' },
    },
  }
})
