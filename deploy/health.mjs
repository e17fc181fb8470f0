// Ends with 0 while the server is ready, for a container's health check: images have no curl.
const url = `http://127.0.0.1:${process.env.LICTOR_PORT ?? 8000}/api/v1/health/ready`
const answer = await fetch(url, { signal: AbortSignal.timeout(4_000) }).catch((error) => ({
  ok: false,
  status: error.message,
}))
if (!answer.ok) {
  console.error(`${url}: ${answer.status}`)
  process.exitCode = 1
}
