/** This server lets an execution go, so that another goes on with it: nothing of it has ended. */
export class HandedOver extends Error {
  override readonly name = 'HandedOver'
}

export const isHandedOver = (signal: AbortSignal): boolean => signal.aborted && signal.reason instanceof HandedOver
