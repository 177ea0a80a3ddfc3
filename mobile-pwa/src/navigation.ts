import { isAppPath } from './routes.ts';

/** Fires `change` when the address changed by a tap, by going back or by the app itself. */
export const navigation = new EventTarget();

const changed = () => void navigation.dispatchEvent(new Event('change'));

/** Goes to a path inside the app. `replace` leaves no step to go back to. */
export function navigate(path: string, options: { replace?: boolean } = {}): void {
  if (path === location.pathname + location.search) return;
  if (options.replace) {
    history.replaceState(history.state, '', path);
  } else {
    // Where the person was on this page, for when they come back to it.
    history.replaceState({ scrollY }, '');
    history.pushState(null, '', path);
  }
  changed();
}

/** Makes plain links navigate without loading the page anew; leaves modified clicks to the browser. */
export function followLinks(root: EventTarget): void {
  history.scrollRestoration = 'manual';
  addEventListener('popstate', changed);
  root.addEventListener('click', (event) => {
    const click = event as MouseEvent;
    if (click.defaultPrevented || click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey)
      return;
    const link = click.composedPath().find((target) => target instanceof HTMLAnchorElement);
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (!isAppPath(link.pathname)) return;
    click.preventDefault();
    navigate(link.pathname + link.search);
  });
}
