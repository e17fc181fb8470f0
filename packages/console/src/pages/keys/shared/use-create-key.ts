import { useMutation, useQueryClient } from '@tanstack/react-query'
import { createKey } from '../queries.ts'
import { rememberKey } from './new-key.ts'

/** Creates a key and remembers it until somebody took it. */
export function useCreateKey(onCreated: () => void = () => {}) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: createKey,
    onSuccess: (key) => {
      rememberKey(key)
      onCreated()
      void client.invalidateQueries({ queryKey: ['keys'] })
    },
  })
}
