/** Every way to a host that a program has: one JSON object of what each brought. */
export const PROBE = `
import { lookup, resolve4 } from 'node:dns/promises'; import { createSocket } from 'node:dgram'; import http from 'node:http'; import net from 'node:net'
const [port, port6, lan] = process.argv.slice(2)
const by = (work) => work.then((value) => value, (error) => error.cause?.code ?? error.code ?? error.message)
const get = (url) => by(new Promise((resolve, reject) => { const proxy = new URL(process.env.HTTP_PROXY ?? url)
  http.get({ host: proxy.hostname, port: proxy.port, path: url }, async (answer) => { let text = ''
    for await (const chunk of answer) text += chunk; resolve(answer.statusCode + ' ' + text.trim()) }).on('error', reject) }))
const raw = (host, to) => by(new Promise((resolve, reject) => net.connect({ host, port: Number(to) })
  .on('connect', () => resolve('connected')).on('error', reject)))
const tunnel = (authority) => by(new Promise((resolve, reject) => http.request({ host: '127.0.0.1', port: 3128, method: 'CONNECT', path: authority })
  .on('connect', (answer) => resolve(String(answer.statusCode))).on('response', (answer) => resolve(String(answer.statusCode))).on('error', reject).end()))
const datagram = by(new Promise((resolve, reject) => { const socket = createSocket('udp4'); socket.on('error', reject)
  socket.send(Buffer.from('x'), 53, '8.8.8.8', (error) => error ? reject(error) : resolve('sent')) }))
console.log(JSON.stringify({
  allowed: await get('http://allowed.example:' + port + '/'), tunnel: await tunnel('allowed.example:' + port),
  wild: await get('http://a.wild.example:' + port + '/'), bare: await tunnel('wild.example:' + port),
  other: await get('http://other.example:' + port + '/'), otherTunnel: await tunnel('other.example:' + port),
  address: await get('http://127.0.0.2:' + port + '/'), lan: await tunnel(lan + ':' + port), v6: await tunnel('[::1]:' + port6),
  private: await tunnel('private.example:80'), metadata: await get('http://metadata.example/latest/meta-data'),
  raw: await raw('127.0.0.1', port), rawLan: await raw(lan, port), raw6: await raw('::1', port6), rawPublic: await raw('93.184.216.34', 80),
  name: await by(lookup('allowed.example')), dns: await by(resolve4('allowed.example')), datagram: await datagram }))
process.exit()
`
