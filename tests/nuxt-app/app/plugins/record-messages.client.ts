// For the tests only: every message of the stream, in order, on `window.__skewMessages`.
export default defineNuxtPlugin((nuxtApp) => {
  const messages: unknown[] = []
  Object.assign(window, { __skewMessages: messages })
  nuxtApp.hook('skew:message', (message) => {
    messages.push(message)
  })
})
