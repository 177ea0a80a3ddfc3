import { defineConfig } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';

const server = 'http://127.0.0.1:4000';

export default defineConfig({
  build: { target: 'es2024', sourcemap: false, reportCompressedSize: true, rolldownOptions: { treeshake: { propertyWriteSideEffects: false, moduleSideEffects: [{ test: /[\\/]marked[\\/]/, sideEffects: false }] } } },
  server: {
    proxy: {
      '/graphql': { target: server, ws: true },
      '/schema.graphql': server,
      '/health': server,
    },
  },
  plugins: [
    VitePWA({
      strategies: 'injectManifest',
      srcDir: 'src',
      filename: 'sw.ts',
      registerType: 'prompt',
      injectRegister: null,
      injectManifest: { globPatterns: ['**/*.{js,css,html,svg,png,webmanifest}'] },
      manifest: {
        id: '/',
        name: 'Agent Hive',
        short_name: 'Hive',
        description: 'Give a hive of agents a goal, and watch, steer and stop it from your phone.',
        start_url: '/',
        scope: '/',
        display: 'standalone',
        orientation: 'any',
        background_color: '#fcfaf6',
        theme_color: '#fcfaf6',
        categories: ['productivity', 'developer'],
        icons: [
          { src: '/icons/icon-192.png', sizes: '192x192', type: 'image/png', purpose: 'any' },
          { src: '/icons/icon-512.png', sizes: '512x512', type: 'image/png', purpose: 'any' },
          { src: '/icons/maskable-192.png', sizes: '192x192', type: 'image/png', purpose: 'maskable' },
          { src: '/icons/maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
        ],
        shortcuts: [
          { name: 'Dispatch a goal', url: '/dispatch' },
          { name: 'Work', url: '/work' },
        ],
      },
    }),
  ],
});
