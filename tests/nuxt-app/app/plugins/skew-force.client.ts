// The stock client does not read `force`: this makes an invalidation reload the page.
export default defineNuxtPlugin((nuxtApp) => {
  // For the tests only; a real app has no such switch.
  if (!useRuntimeConfig().public.reloadOnForce) return

  nuxtApp.hook('skew:message', (message) => {
    if (message.type === 'version' && message.force) reloadNuxtApp({ force: true })
  })
})
