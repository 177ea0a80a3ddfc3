import {
  BasePlugin,
  unwrapOutputFieldType,
  type PothosOutputFieldConfig,
  type SchemaTypes,
} from '@pothos/core';
import SchemaBuilder from '@pothos/core';
import type { GraphQLFieldResolver, GraphQLSchema } from 'graphql';
import { assertAnywhere, assertInScope, readActions } from './authorise.ts';
import type { Context } from './context.ts';
import { rootActions, type RootType } from './root-actions.ts';

declare global {
  // eslint-disable-next-line typescript/no-namespace -- how Pothos learns of a plugin
  export namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      authorise: AuthorisePlugin<Types>;
    }
  }
}

type Resolver<Types extends SchemaTypes> = GraphQLFieldResolver<unknown, Types['Context'], object>;

/**
 * Decides before any resolver runs, by the table of root actions, so that no field can be forgotten. Comes behind the plugin
 * for errors: what it refuses of a mutation is a member of the result union.
 */
class AuthorisePlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(resolve: Resolver<Types>, field: PothosOutputFieldConfig<Types>): Resolver<Types> {
    if (field.kind === 'Query' || field.kind === 'Mutation') {
      const rule = rootActions[field.kind][field.name];
      if (rule === undefined || rule === 'SELF') return resolve;
      const mayStepUp = field.kind === 'Mutation';
      return (parent, args, context, info) => {
        assertAnywhere(context as Context, rule, { mayStepUp });
        return resolve(parent, args, context, info);
      };
    }
    if (field.kind === 'Subscription') return resolve;
    const type = this.buildCache.getTypeConfig(unwrapOutputFieldType(field.type)).name;
    const action = readActions[type as keyof typeof readActions];
    if (action === undefined) return resolve;
    return (parent, args, context, info) => {
      assertInScope(context as Context, action);
      return resolve(parent, args, context, info);
    };
  }

  override wrapSubscribe(
    subscribe: Resolver<Types> | undefined,
    field: PothosOutputFieldConfig<Types>,
  ): Resolver<Types> | undefined {
    if (!subscribe || field.kind !== 'Subscription') return subscribe;
    const rule = rootActions.Subscription[field.name];
    if (rule === undefined || rule === 'SELF') return subscribe;
    return (parent, args, context, info) => {
      assertAnywhere(context as Context, rule);
      return subscribe(parent, args, context, info);
    };
  }

  override afterBuild(schema: GraphQLSchema): GraphQLSchema {
    assertRootsListed(schema);
    return schema;
  }
}

/** @throws Error for a root field that is not in the table, and for one in the table that does not exist */
export function assertRootsListed(schema: GraphQLSchema): void {
  const types = {
    Query: schema.getQueryType(),
    Mutation: schema.getMutationType(),
    Subscription: schema.getSubscriptionType(),
  };
  const problems = (Object.keys(rootActions) as RootType[]).flatMap((type) => {
    const fields = Object.keys(types[type]?.getFields() ?? {});
    const listed = Object.keys(rootActions[type]);
    return [
      ...fields.filter((name) => !listed.includes(name)).map((name) => `${type}.${name} is not listed`),
      ...listed.filter((name) => !fields.includes(name)).map((name) => `${type}.${name} does not exist`),
    ];
  });
  if (problems.length > 0) throw new Error(`graphql/root-actions.ts: ${problems.join('; ')}.`);
}

/** Registered under a name that the builder lists among its plugins. */
export const authorisePlugin = 'authorise';
SchemaBuilder.registerPlugin(authorisePlugin, AuthorisePlugin);
