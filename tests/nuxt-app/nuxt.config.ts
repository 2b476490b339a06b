// One source, built once for each transport: `SKEW_STRATEGY` is read at build time.
const strategy = process.env.SKEW_STRATEGY === 'ws' ? 'ws' : 'sse'

export default defineNuxtConfig({
  compatibilityDate: '2025-07-15',
  telemetry: false,
  devtools: { enabled: false },
  modules: ['@nuxtjs/robots', 'nuxt-auth-utils', 'nuxt-skew-protection'],

  // Known to the tests. At run time `NUXT_APP_BUILD_ID` plays another release of the same build.
  buildId: `build-${strategy}`,
  buildDir: `.nuxt-${strategy}`,
  nitro: {
    output: { dir: `.output-${strategy}` },
    experimental: { websocket: strategy === 'ws' },
  },

  site: { url: 'http://127.0.0.1', name: 'skew test app' },
  skewProtection: {
    updateStrategy: strategy,
    connectionTracking: true,
    routeTracking: true,
    ipTracking: true,
    storage: { driver: 'fs', base: `.data/releases-${strategy}` },
  },

  runtimeConfig: {
    public: {
      // `NUXT_PUBLIC_RELOAD_ON_FORCE=false` shows what the stock client does alone: nothing.
      reloadOnForce: true,
    },
  },
})
