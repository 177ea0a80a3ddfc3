import { Migration0001Initial } from './migration-0001-initial.ts';
import { Migration0002ProjectIndex } from './migration-0002-project-index.ts';
import { Migration0003Tenancy } from './migration-0003-tenancy.ts';
import { Migration0004Identity } from './migration-0004-identity.ts';
import { Migration0005Access } from './migration-0005-access.ts';
import { Migration0006Audit } from './migration-0006-audit.ts';

/** In the order they apply. Append only: a released migration never changes. */
export const migrations = [
  { name: '0001-initial', class: Migration0001Initial },
  { name: '0002-project-index', class: Migration0002ProjectIndex },
  { name: '0003-tenancy', class: Migration0003Tenancy },
  { name: '0004-identity', class: Migration0004Identity },
  { name: '0005-access', class: Migration0005Access },
  { name: '0006-audit', class: Migration0006Audit },
];
