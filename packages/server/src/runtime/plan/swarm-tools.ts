/** The tools of an agent that may work with others (`spec.advanced.swarm_enabled`), and of no other. */
export const swarmToolNames = [
  'aegis.spawn_child',
  'aegis.await_child',
  'aegis.send_message',
  'aegis.broadcast_message',
  'aegis.read_messages',
  'aegis.acquire_lock',
  'aegis.release_lock',
] as const

export type SwarmToolName = (typeof swarmToolNames)[number]

export const isSwarmTool = (name: string): boolean => swarmToolNames.some((one) => one === name)
