import { graphql } from './graphql.ts';

export const retentionQuery = graphql(`
  query Retention {
    retention {
      eventDays
      auditDays
      addressDays
      sessionDays
    }
  }
`);
