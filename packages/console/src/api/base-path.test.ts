import { expect, test } from 'vitest'
import { basePathOf } from './base-path.ts'

test.each([
  ['https://x.example/dashboard/assets/index-a1.js', ''],
  ['https://x.example/lictor/dashboard/assets/index-a1.js', '/lictor'],
  ['https://x.example/a/b/dashboard/assets/worker-a1.js', '/a/b'],
  ['https://x.example/dashboard/dashboard/assets/index-a1.js', '/dashboard'],
  ['http://localhost:5173/dashboard/src/api/base-path.ts', ''],
  ['file:///somewhere/else.ts', ''],
])('%s is served below "%s"', (url, path) => {
  expect(basePathOf(url)).toBe(path)
})
