import DOMPurify from 'dompurify';
import { marked } from 'marked';

/** What an agent's text may contain. No images: fetching one would tell a stranger that this was read. */
const ALLOWED_TAGS = (
  'p br hr strong em del code pre blockquote a ul ol li ' + 'h1 h2 h3 h4 h5 h6 table thead tbody tr th td'
).split(' ');

/** Turns Markdown of unknown origin into safe nodes, with `[1]` as a button that leads to its source. */
export function renderMarkdown(text: string, markers: ReadonlySet<number>): DocumentFragment {
  const dirty = marked.parse(text, { async: false, gfm: true, breaks: false });
  const fragment = DOMPurify.sanitize(dirty, {
    ALLOWED_TAGS,
    ALLOWED_ATTR: ['href', 'start', 'align'],
    RETURN_DOM_FRAGMENT: true,
  });
  for (const link of fragment.querySelectorAll('a')) {
    link.target = '_blank';
    link.rel = 'noopener noreferrer';
  }
  for (const table of fragment.querySelectorAll('table, pre')) makeScrollable(table);
  linkMarkers(fragment, markers);
  return fragment;
}

/** A wide block scrolls by itself, and must be reachable by keyboard to be scrolled. */
function makeScrollable(block: Element): void {
  const frame = document.createElement('div');
  frame.className = 'scroll';
  frame.tabIndex = 0;
  frame.setAttribute('role', 'group');
  frame.setAttribute('aria-label', block.tagName === 'TABLE' ? 'Table' : 'Code');
  block.replaceWith(frame);
  frame.append(block);
}

function linkMarkers(fragment: DocumentFragment, markers: ReadonlySet<number>): void {
  const walker = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) {
    const text = walker.currentNode as Text;
    if (/\[\d+\]/.test(text.data) && !text.parentElement?.closest('code, pre, a')) texts.push(text);
  }
  for (const text of texts) {
    const parts = text.data.split(/(\[\d+\])/).map((part) => {
      const marker = Number(/^\[(\d+)\]$/.exec(part)?.[1] ?? Number.NaN);
      return markers.has(marker) ? markerButton(marker) : part;
    });
    text.replaceWith(...parts);
  }
}

function markerButton(marker: number): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'marker';
  button.dataset['marker'] = String(marker);
  button.textContent = String(marker);
  button.setAttribute('aria-label', `Source ${marker}`);
  return button;
}
