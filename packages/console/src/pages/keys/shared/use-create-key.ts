import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { CreatedKey } from '../../../api/types.ts'
import { createKey } from '../queries.ts'
import { rememberKey } from './new-key.ts'

export function useCreateKey(onCreated: (key: CreatedKey) => void) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: createKey,
    onSuccess: (key) => {
      rememberKey(key)
      onCreated(key)
      void client.invalidateQueries({ queryKey: ['keys'] })
    },
  })
}
