export default defineEventHandler((event) => {
  if (!isAdminSecret(getHeader(event, 'authorization')?.replace(/^Bearer /i, ''))) throw createError({ statusCode: 401 })

  return new Promise((resolve) => {
    useNitroApp().hooks.callHook('skew:stats', resolve)
  })
})
