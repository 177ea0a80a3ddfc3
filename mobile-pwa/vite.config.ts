import { defineConfig, type Plugin } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';

const server = `http://127.0.0.1:${process.env['HIVE_PORT'] ?? 4000}`;

// A build is for people, whoever asks for it: under a test runner's NODE_ENV it would hold the libraries' test code.
if (process.argv.includes('build')) process.env['NODE_ENV'] = 'production';

/** A style sheet is text to a minifier: its indentation and comments would go over the wire. */
const trimStyles: Plugin = {
  name: 'hive-trim-styles',
  apply: 'build',
  enforce: 'pre',
  transform(code, id) {
    if (!/\/mobile-pwa\/src\/.*\.ts$/.test(id)) return undefined;
    return code.replace(/\bcss`[^`]*`/g, (text) => text.replace(/\/\*[^]*?\*\//g, '').replace(/\s+/g, ' '));
  },
};

export default defineConfig({
  build: { target: 'es2024', sourcemap: false, reportCompressedSize: true },
  server: {
    proxy: {
      '/graphql': { target: server, ws: true },
      '/api': server,
      '/schema.graphql': server,
      '/health': server,
    },
  },
  plugins: [
    trimStyles,
    VitePWA({
      strategies: 'injectManifest',
      srcDir: 'src',
      filename: 'sw.ts',
      registerType: 'prompt',
      injectRegister: null,
      // A screenshot is for the phone's install dialog, not for the shell.
      injectManifest: {
        globPatterns: ['**/*.{js,css,html,svg,png,webmanifest}'],
        globIgnores: ['screenshots/**'],
      },
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
        screenshots: [
          {
            src: '/screenshots/goal.png',
            sizes: '780x1688',
            type: 'image/png',
            form_factor: 'narrow',
            label: 'A goal, its plan and its tasks',
          },
        ],
        shortcuts: [
          { name: 'Dispatch a goal', url: '/dispatch' },
          { name: 'Work', url: '/work' },
        ],
      },
    }),
  ],
});
