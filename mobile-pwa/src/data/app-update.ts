import { serviceWorkerUrl } from './trusted.ts';

/** How often an app that stays open asks for a newer version. */
const CHECK_EVERY_MS = 60 * 60 * 1_000;

/**
 * Installs the service worker, and says when a newer version of the app waits behind it.
 * @param onReady is given what puts the new version in place and loads the page anew
 */
export function watchForUpdate(onReady: (update: () => void) => void): void {
  // None in development, and none on a page that came by plain HTTP from another machine.
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  addEventListener('load', () => void register(onReady).catch(() => undefined), { once: true });
  if (document.readyState === 'complete') void register(onReady).catch(() => undefined);
}

let registering: Promise<ServiceWorkerRegistration> | undefined;

async function register(onReady: (update: () => void) => void): Promise<void> {
  if (registering) return;
  registering = navigator.serviceWorker.register(serviceWorkerUrl(), { scope: '/' });
  const registration = await registering;
  const offer = (worker: ServiceWorker | null) => {
    // Without a controller it is the first visit: there is nothing older to replace.
    if (!worker || !navigator.serviceWorker.controller) return;
    onReady(() => {
      navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
      worker.postMessage({ type: 'SKIP_WAITING' });
    });
  };
  offer(registration.waiting);
  registration.addEventListener('updatefound', () => {
    const worker = registration.installing;
    worker?.addEventListener('statechange', () => {
      if (worker.state === 'installed') offer(worker);
    });
  });
  setInterval(() => void registration.update().catch(() => undefined), CHECK_EVERY_MS);
}
