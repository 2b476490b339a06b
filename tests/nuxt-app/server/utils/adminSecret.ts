import { createHash, timingSafeEqual } from 'node:crypto'

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Whether `given` is the admin secret. Where none is set, nothing is. */
export function isAdminSecret(given: unknown) {
  const secret = process.env.SKEW_ADMIN_SECRET
  return !!secret && typeof given === 'string' && timingSafeEqual(digest(given), digest(secret))
}
