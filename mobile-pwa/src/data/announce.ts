/** Says something to screen readers through the one live region of the app. */
export const announcements = new EventTarget();

export function announce(text: string): void {
  announcements.dispatchEvent(new CustomEvent<string>('announce', { detail: text }));
}
