/// <reference lib="webworker" />
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: { url: string; revision: string | null }[] };

// The shell only. GraphQL is never cached here: the normalised cache in the page is the one copy of the data.
precacheAndRoute(self.__WB_MANIFEST);
cleanupOutdatedCaches();

// The server's own pages must stay reachable from an installed app.
const SERVER_PAGES = [
  /^\/graphql/,
  /^\/api\//,
  /^\/\.well-known\//,
  /^\/schema\.graphql/,
  /^\/health/,
  /^\/metrics/,
];
registerRoute(new NavigationRoute(createHandlerBoundToURL('/index.html'), { denylist: SERVER_PAGES }));

self.addEventListener('message', (event) => {
  // Sent by the update prompt once the person has agreed.
  if ((event.data as { type?: string } | null)?.type === 'SKIP_WAITING') void self.skipWaiting();
});
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
