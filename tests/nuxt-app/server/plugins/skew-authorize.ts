export default defineNitroPlugin(({ hooks }) => {
  hooks.hook('skew:authorize-stats', async ({ event, authorize }) => {
    // On WebSocket `event` is nothing but `{ headers }`, so use no more than that on either transport.
    const headers = event?.headers
    if (!headers) return
    if (isAdminSecret(headers.get('authorization')?.replace(/^Bearer /i, ''))) return authorize()

    // Throws where there is no session: then nobody is authorized, and the refusal is sent.
    const session = await getUserSession({ headers, context: {} }).catch(() => null)
    if (session?.user?.role === 'admin') authorize()
  })
})
