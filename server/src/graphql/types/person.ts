import type { Person } from '../../managers/people.ts';
import { builder } from '../builder.ts';
import { encodeId } from '../ids.ts';

export const PersonType = builder.objectRef<Person>('Person').implement({
  description: 'Somebody with an account, as far as this workspace knows them.',
  fields: (t) => ({
    id: t.id({
      description: 'Global id, `Person:uuid`; `node` does not load it.',
      resolve: (person) => encodeId('Person', person.id),
    }),
    name: t.exposeString('name', {
      description: 'For people; a pseudonym once the person is erased.',
    }),
    email: t.string({
      nullable: true,
      description:
        'Address of the account: one’s own, and for admins that of any member; null for others, and once the person is erased.',
      // The manager leaves it out where `member.readContact` is refused.
      resolve: (person) => person.email,
    }),
    erased: t.exposeBoolean('erased', {
      description: 'True when the person was erased: what they did stays, under a pseudonym.',
    }),
  }),
});
