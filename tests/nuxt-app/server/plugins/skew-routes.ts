export default defineNitroPlugin(({ hooks }) => {
  hooks.hook('skew:connection:open', ({ id, route, send }) => {
    visitors.set(id, { route: route || '/', send })
  })
  hooks.hook('skew:connection:route-update', ({ id, route }) => {
    const visitor = visitors.get(id)
    if (visitor) visitor.route = route
  })
  hooks.hook('skew:connection:close', ({ id }) => {
    visitors.delete(id)
  })
})
