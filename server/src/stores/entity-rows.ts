import type { EntityManager } from '@mikro-orm/postgresql';
import type { EntityName } from '@mikro-orm/core';
import { valuesOf } from './tenancy.ts';

type Condition<Value> =
  | Value
  | {
      $in?: readonly NonNullable<Value>[];
      $ne?: NonNullable<Value>;
      $lt?: NonNullable<Value>;
      $gt?: NonNullable<Value>;
    };

export type RowFilter<Row> = { [Key in keyof Row]?: Condition<Row[Key]> | undefined };

export interface RowOptions<Row> {
  orderBy?: { [Key in keyof Row]?: 'asc' | 'desc' };
  limit?: number;
}

/** How the rows of one entity are selected and read, derived once from its definition. */
interface Shape {
  table: string;
  columns: ReadonlyMap<string, string>;
  selection: string;
  read(values: unknown[]): object;
}

const shapes = new WeakMap<object, Shape>();
/** Names of prepared statements by text; a filter has few shapes, so there are few texts. */
const statementNames = new Map<string, string>();
const operators = { $ne: '<>', $lt: '<', $gt: '>' } as const;

/**
 * Like `em.find` for reading only: plain objects typed as the entity, from a statement that is prepared once a connection,
 * with the rights of the tenant `em` was forked for. An identity map and change tracking for rows nobody changes were more than half the cost of a list.
 */
export async function findRows<Row extends object>(
  em: EntityManager,
  entity: EntityName<Row>,
  where: RowFilter<Row>,
  options: RowOptions<Row> = {},
): Promise<Row[]> {
  const shape = shapeOf(em, entity);
  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const order = Object.entries(options.orderBy ?? {}).map(
    ([name, direction]) => `${shape.columns.get(name)} ${String(direction)}`,
  );
  const text = [
    `select ${shape.selection} from ${shape.table}${whereOf(shape, where, bind)}`,
    order.length > 0 ? ` order by ${order.join(', ')}` : '',
    options.limit === undefined ? '' : ` limit ${bind(options.limit)}`,
  ].join('');
  const rows = await valuesOf(em, { name: statementName(text), text, values });
  return rows.map((row) => shape.read(row) as Row);
}

/** How many rows match. */
export async function countRows<Row extends object>(
  em: EntityManager,
  entity: EntityName<Row>,
  where: RowFilter<Row>,
): Promise<number> {
  const shape = shapeOf(em, entity);
  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const text = `select count(*)::int from ${shape.table}${whereOf(shape, where, bind)}`;
  const [row] = await valuesOf(em, { name: statementName(text), text, values });
  return row![0] as number;
}

function whereOf(shape: Shape, where: object, bind: (value: unknown) => string): string {
  const conditions = Object.entries(where).flatMap(([name, condition]) =>
    condition === undefined ? [] : conditionsOn(shape.columns.get(name)!, condition, bind),
  );
  return conditions.length > 0 ? ` where ${conditions.join(' and ')}` : '';
}

function conditionsOn(column: string, condition: unknown, bind: (value: unknown) => string): string[] {
  if (condition === null) return [`${column} is null`];
  if (typeof condition !== 'object' || condition instanceof Date) return [`${column} = ${bind(condition)}`];
  return Object.entries(condition).map(([operator, value]) =>
    operator === '$in'
      ? `${column} = any(${bind(value)})`
      : `${column} ${operators[operator as keyof typeof operators]} ${bind(value)}`,
  );
}

function statementName(text: string): string {
  let name = statementNames.get(text);
  if (name === undefined) statementNames.set(text, (name = `rows_${statementNames.size}`));
  return name;
}

function shapeOf<Row extends object>(em: EntityManager, entity: EntityName<Row>): Shape {
  const key = entity as object;
  const known = shapes.get(key);
  if (known) return known;
  const meta = em.getMetadata(entity);
  const platform = em.getPlatform();
  const fields = meta.props.map((property) => {
    const { customType } = property;
    const convert = customType
      ? (value: unknown): unknown => customType.convertToJSValue(value, platform)
      : property.runtimeType === 'Date'
        ? (value: unknown): unknown => platform.parseDate(value as string)
        : undefined;
    return { name: property.name as string, column: property.fieldNames[0]!, convert };
  });
  const shape: Shape = {
    table: meta.tableName,
    columns: new Map(fields.map(({ name, column }) => [name, column])),
    selection: fields.map(({ column }) => column).join(', '),
    read: (values) => {
      const row: { [name: string]: unknown } = {};
      fields.forEach(({ name, convert }, index) => {
        const value = values[index];
        row[name] = convert && value !== null ? convert(value) : value;
      });
      return row;
    },
  };
  shapes.set(key, shape);
  return shape;
}
