import { Lexer, type Token, type Tokens } from 'marked';
import { characterReference } from './trusted.ts';

const HEADING_LEVELS = ['h3', 'h3', 'h4', 'h5', 'h6', 'h6'];

/**
 * Turns Markdown of unknown origin into nodes, with `[1]` as a button that leads to its source.
 *
 * Safe because of what it is made of: marked only takes the text apart, and nothing but the elements named below is ever
 * made from the parts. Markup in the text stays text. No images: fetching one would tell a stranger that this was read.
 */
export function renderMarkdown(text: string, markers: ReadonlySet<number>): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(...renderAll(Lexer.lex(text, { gfm: true })));
  linkMarkers(fragment, markers);
  return fragment;
}

const renderAll = (tokens: readonly Token[] | undefined): Node[] => (tokens ?? []).flatMap(renderToken);

function renderToken(token: Token): Node[] {
  switch (token.type) {
    case 'paragraph':
      return [element('p', token.tokens)];
    case 'heading':
      return [element(HEADING_LEVELS[(token as Tokens.Heading).depth - 1] ?? 'h6', token.tokens)];
    case 'list':
      return [renderList(token as Tokens.List)];
    case 'code':
      return [scrollable('pre', 'Code', [element('code', [], [new Text((token as Tokens.Code).text)])])];
    case 'table':
      return [renderTable(token as Tokens.Table)];
    case 'link':
      return [renderLink(token as Tokens.Link)];
    case 'codespan':
      return [element('code', [], [new Text((token as Tokens.Codespan).text)])];
    case 'blockquote':
    case 'strong':
    case 'em':
    case 'del':
      return [element(token.type, token.tokens)];
    case 'br':
    case 'hr':
      return [element(token.type)];
    case 'space':
    case 'def':
      return [];
    default:
      // Text, an escape, an image's description, or markup, which is shown as what it is.
      return 'tokens' in token && token.tokens ? renderAll(token.tokens) : [new Text(plainText(token))];
  }
}

function plainText(token: Token): string {
  const text = 'text' in token && typeof token.text === 'string' ? token.text : token.raw;
  return token.type === 'text' ? decodeEntities(text) : text;
}

/** "&amp;" and the like; the parser sees nothing but the name of one entity at a time. */
function decodeEntities(text: string): string {
  return text.replace(/&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z]\w{1,31});/gi, (entity) => {
    const { body } = new DOMParser().parseFromString(characterReference(entity), 'text/html');
    return body.textContent ?? entity;
  });
}

function element(
  name: string,
  tokens: readonly Token[] = [],
  children: Node[] = renderAll(tokens),
): HTMLElement {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

function renderList(list: Tokens.List): HTMLElement {
  const made = element(list.ordered ? 'ol' : 'ul');
  if (list.ordered && typeof list.start === 'number' && list.start !== 1)
    made.setAttribute('start', String(list.start));
  for (const item of list.items) {
    const box = item.task ? [new Text(item.checked ? '☑ ' : '☐ ')] : [];
    made.append(element('li', [], [...box, ...renderAll(item.tokens)]));
  }
  return made;
}

function renderTable({ header, rows }: Tokens.Table): HTMLElement {
  const row = (cells: Tokens.TableCell[], name: string) =>
    element(
      'tr',
      [],
      cells.map((cell) => element(name, cell.tokens)),
    );
  const head = element('thead', [], [row(header, 'th')]);
  return scrollable('table', 'Table', [
    head,
    element(
      'tbody',
      [],
      rows.map((cells) => row(cells, 'td')),
    ),
  ]);
}

function renderLink({ href, tokens }: Tokens.Link): Node {
  const target = URL.canParse(href) ? new URL(href) : undefined;
  if (!target || !/^(https?|mailto):$/.test(target.protocol)) return element('span', tokens);
  const link = document.createElement('a');
  link.href = target.href;
  link.target = '_blank';
  link.rel = 'noopener noreferrer';
  link.append(...renderAll(tokens));
  return link;
}

/** A wide block scrolls by itself, and must be reachable by keyboard to be scrolled. */
function scrollable(name: string, label: string, children: Node[]): HTMLElement {
  const frame = element('div', [], [element(name, [], children)]);
  frame.className = 'scroll';
  frame.tabIndex = 0;
  frame.setAttribute('role', 'group');
  frame.setAttribute('aria-label', label);
  return frame;
}

function linkMarkers(fragment: DocumentFragment, markers: ReadonlySet<number>): void {
  const walker = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) {
    const text = walker.currentNode as Text;
    if (/\[\d+\]/.test(text.data) && !text.parentElement?.closest('code, pre, a')) texts.push(text);
  }
  for (const text of texts) text.replaceWith(...splitMarkers(text.data, markers));
}

/** A marker stays on the line of the word before it. */
function splitMarkers(text: string, markers: ReadonlySet<number>): (string | Node)[] {
  return text.split(/((?:\S*\s*)(?:\[\d+\])+)/).map((part): string | Node => {
    const found = /^(\S*?)(\s*)((?:\[\d+\])+)$/.exec(part);
    if (!found) return part;
    const buttons = Array.from(found[3]!.matchAll(/\d+/g), ([marker]) =>
      markers.has(Number(marker)) ? markerButton(Number(marker)) : `[${marker}]`,
    );
    const kept = document.createElement('span');
    kept.className = 'kept';
    kept.append(found[1]!, ' ', ...buttons);
    return kept;
  });
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
