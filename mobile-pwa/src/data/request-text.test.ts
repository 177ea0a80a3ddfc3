import { createApiKeyMutation } from '@hive/schema/operations/api-keys.ts';
import { taskOutputSubscription } from '@hive/schema/operations/tasks.ts';
import { expect, it } from 'vitest';
import known from '../../../schema/persisted-documents.json' with { type: 'json' };
import { requestText } from './request-text.ts';

it('is a text the hive knows', () => {
  expect(Object.values(known)).toContain(requestText(createApiKeyMutation));
  expect(Object.values(known)).toContain(requestText(taskOutputSubscription));
});
