/** What other pages need to let somebody write in the language of contracts. */

export { EXAMPLE_BUNDLE } from '../example.ts'
export type { Frame } from '../language/frame.ts'
export { useSeen } from '../language/use-seen.ts'
