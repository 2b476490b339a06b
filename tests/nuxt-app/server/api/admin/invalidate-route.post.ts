export default defineEventHandler(async (event) => {
  const { route, secret } = await readBody(event)
  if (!isAdminSecret(secret)) throw createError({ statusCode: 401 })
  if (typeof route !== 'string' || !route) throw createError({ statusCode: 400, message: 'Missing route' })

  invalidateRoute(route)
  return { ok: true, route }
})
