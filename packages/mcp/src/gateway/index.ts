export { createSkippingReader, type DroppedLine } from '../lines.ts'
export type { PinStore } from './catalogue.ts'
export { createGateway, type Gateway, type GatewayOptions } from './gateway.ts'
export { isRecord } from './json-text.ts'
export {
  type CallOutcome,
  type CallToJudge,
  type Judge,
  type JudgedCall,
  type JudgedOutcome,
  Refused,
} from './judge.ts'
export { changedParts, type Examination, examine, type HeldTool, type Pin, type PinnedTools, pinOf } from './pins.ts'
export { PATIENCE, type Patience } from './waiting.ts'
