interface Visitor {
  route: unknown
  send: (message: unknown) => void
}

/** Everybody connected to this process, by connection id. */
export const visitors = new Map<string, Visitor>()

/** Sends a refresh to everybody whose route equals `pattern`, starts with it, or is found by it. */
export function invalidateRoute(pattern: string | RegExp) {
  // The browser drops a message equal to the one before it: the timestamp keeps two apart.
  const message = { type: 'version', version: useRuntimeConfig().app.buildId, force: true, timestamp: Date.now() }
  for (const { route, send } of visitors.values()) {
    // A visitor can send anything as route, numbers and arrays too.
    if (typeof route !== 'string') continue
    if (typeof pattern === 'string' ? route.startsWith(pattern) : pattern.test(route)) send(message)
  }
}
