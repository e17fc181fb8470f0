/** Where the forwarder of a bootstrap listens, on the loopback of a sandbox that nothing else listens in. */
const PORT = 3128
const AT_HOME = 'localhost,127.0.0.1,::1'

/**
 * What tells programs in a sandbox to go through the proxy, in every spelling that is in use.
 * @param socket path of the proxy's socket as the sandbox sees it; the bootstrap offers it at the address named here
 */
export function proxyVariables(socket: string): Record<string, string> {
  const address = `http://127.0.0.1:${PORT}`
  const spellings = { HTTP_PROXY: address, HTTPS_PROXY: address, ALL_PROXY: address, NO_PROXY: AT_HOME }
  return {
    ...spellings,
    ...Object.fromEntries(Object.entries(spellings).map(([name, value]) => [name.toLowerCase(), value])),
    // Node's own fetch heeds the variables only when it is told to.
    NODE_USE_ENV_PROXY: '1',
    LICTOR_FORWARD: `${PORT}=${socket}`,
  }
}
