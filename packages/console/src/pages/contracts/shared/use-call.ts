import { useEffect, useState } from 'react'
import { drafts } from '../../../ui/draft.ts'
import { type CallText, NO_CALL } from './call.ts'

/** The call one tries beside an editor, kept for the tab as the text is. */
export function useCall(
  name: string,
  begin: Partial<CallText> = {},
): readonly [CallText, (change: Partial<CallText>) => void] {
  const [call, setCall] = useState<CallText>(() => kept(name) ?? { ...NO_CALL, ...begin })
  useEffect(() => drafts.write(`call ${name}`, JSON.stringify(call)), [name, call])
  return [call, (change) => setCall((now) => ({ ...now, ...change }))]
}

function kept(name: string): CallText | null {
  try {
    const found: unknown = JSON.parse(drafts.read(`call ${name}`) ?? 'null')
    return typeof found === 'object' && found !== null ? { ...NO_CALL, ...found } : null
  } catch {
    return null
  }
}
