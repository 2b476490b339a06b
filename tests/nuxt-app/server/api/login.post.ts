// For the tests only: whoever knows the test password takes any role.
export default defineEventHandler(async (event) => {
  const { role, email, password } = await readBody(event)
  const expected = process.env.TEST_LOGIN_PASSWORD
  if (!expected || password !== expected) throw createError({ statusCode: 401 })

  await setUserSession(event, { user: { role, email } })
  return { ok: true }
})
