import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/**
 * The server serves `dist/` under `/dashboard/` (console-api §1.8). The condition `source` reads the workspace's other
 * packages from their TypeScript, so that the console builds from a fresh clone before anything else was built.
 */
export default defineConfig({
  base: '/dashboard/',
  plugins: [react(), tailwindcss()],
  resolve: { conditions: ['source', 'module', 'browser', 'development|production'] },
  build: {
    target: 'es2023',
    sourcemap: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: { '/api': process.env.LICTOR_URL ?? 'http://localhost:8000' },
  },
})
