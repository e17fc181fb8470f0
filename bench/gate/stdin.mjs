// The least that a hook can be: reads its question and lets the call run.
let text = ''
process.stdin.setEncoding('utf8')
process.stdin.on('data', (chunk) => {
  text += chunk
})
process.stdin.on('end', () => {
  JSON.parse(text)
  process.stdout.write('{}\n')
})
