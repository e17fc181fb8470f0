// An agent's own bootstrap: it answers with a plan of what it found before it asks the model, and runs commands its own way.
// It needs Node 18 and no package. Whatever speaks HTTP and JSON can be a bootstrap.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

const gateway = `${process.env.AEGIS_ORCHESTRATOR_URL}/v1/dispatch-gateway`

/** One message to the orchestrator, and its answer. */
async function send(message) {
  const answer = await fetch(gateway, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(message),
  })
  if (!answer.ok) throw new Error(`the orchestrator answered ${answer.status}: ${await answer.text()}`)
  return answer.json()
}

function run({ dispatch_id, command, args, cwd, env_additions, timeout_secs }) {
  const began = Date.now()
  const { status, stdout, stderr, error } = spawnSync([command, ...args].join(' '), {
    shell: true,
    cwd,
    env: { ...process.env, ...env_additions },
    timeout: timeout_secs * 1000,
    encoding: 'utf8',
  })
  return {
    type: 'dispatch_result',
    execution_id: process.env.AEGIS_EXECUTION_ID,
    dispatch_id,
    exit_code: status ?? -1,
    stdout: stdout ?? '',
    stderr: error ? `${stderr}\n${error.message}` : (stderr ?? ''),
    duration_ms: Date.now() - began,
    truncated: false,
  }
}

const found = readdirSync('/workspace')
let reply = await send({
  type: 'generate',
  agent_id: process.env.AEGIS_AGENT_ID,
  execution_id: process.env.AEGIS_EXECUTION_ID,
  iteration_number: Number(process.env.AEGIS_ITERATION),
  model_alias: process.env.AEGIS_MODEL_ALIAS,
  prompt: `${process.argv[2]}\n\nFiles in /workspace: ${found.join(', ') || 'none'}.`,
  messages: [],
})
while (reply.type === 'dispatch') reply = await send(run(reply))
console.log(`[by its own bootstrap] ${reply.content}`)
