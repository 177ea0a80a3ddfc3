import { Migration0001Initial } from './migration-0001-initial.ts';
import { Migration0002ProjectIndex } from './migration-0002-project-index.ts';

/** In the order they apply. Append only: a released migration never changes. */
export const migrations = [
  { name: '0001-initial', class: Migration0001Initial },
  { name: '0002-project-index', class: Migration0002ProjectIndex },
];
