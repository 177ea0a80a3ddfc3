import type { z } from 'zod';
import { DomainError, ValidationError, codeOf, messageOf, type ErrorCode } from '../lib/errors.ts';
import type { Json } from '../lib/json.ts';

/** The project a tool may look at. */
export interface ToolProject {
  id: string;
  name: string;
  rootPath: string;
}

export interface ToolRun {
  workspaceId: string;
  project: ToolProject | undefined;
  signal: AbortSignal;
  /** Adds a line to the step's record. */
  note(line: string): void;
}

export interface Tool<Input = unknown, Output extends Json = Json> {
  /** For example `document.read`. */
  name: string;
  /** What a language model is told. */
  description: string;
  input: z.ZodType<Input>;
  output: z.ZodType<Output>;
  /** Whether repeating it is harmless. */
  idempotent: boolean;
  risk: 'LOW' | 'MEDIUM' | 'HIGH';
  /** Longest JSON text of an output; a longer one is refused, never cut in the middle. */
  maxOutputChars: number;
  run(input: Input, context: ToolRun): Promise<Output>;
}

/** A refusal is a result: whoever called sees why and can do something else. */
export type ToolResult = { ok: true; output: Json } | { ok: false; code: ErrorCode; message: string };

export interface ToolRegistry {
  readonly tools: readonly Tool[];
  find(name: string): Tool | undefined;
  /**
   * Checks the input, runs, checks the output. Expected failures (a DomainError) come back as a refusal.
   * @throws anything else, and the signal's reason when it aborts
   */
  call(name: string, input: unknown, context: ToolRun): Promise<ToolResult>;
}

/** Keeps the types of one tool together while the registry holds them all. */
export function defineTool<Input, Output extends Json>(tool: Tool<Input, Output>): Tool {
  return {
    ...tool,
    input: tool.input as z.ZodType<unknown>,
    output: tool.output as z.ZodType<Json>,
    run: (input, context) => tool.run(tool.input.parse(input), context),
  };
}

export function createToolRegistry(tools: readonly Tool[]): ToolRegistry {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  return {
    tools,
    find: (name) => byName.get(name),
    async call(name, input, context) {
      const tool = byName.get(name);
      if (!tool) {
        const known = [...byName.keys()].join(', ');
        return { ok: false, code: 'NOT_FOUND', message: `There is no tool ${name}; there are ${known}.` };
      }
      const parsed = tool.input.safeParse(input);
      if (!parsed.success) return refusal(inputProblem(name, parsed.error));
      try {
        const output = tool.output.parse(await tool.run(parsed.data, context));
        const length = JSON.stringify(output).length;
        if (length <= tool.maxOutputChars) return { ok: true, output };
        throw new DomainError(
          'LIMIT_EXCEEDED',
          `${name} answered ${length} characters; at most ${tool.maxOutputChars} are allowed. Ask for less.`,
        );
      } catch (error) {
        if (context.signal.aborted) throw context.signal.reason;
        if (error instanceof DomainError) return refusal(error);
        throw error;
      }
    },
  };
}

function inputProblem(name: string, error: z.ZodError): ValidationError {
  return new ValidationError(
    error.issues.slice(0, 10).map((issue) => ({
      path: [name, ...issue.path.map(String)].join('.'),
      message: issue.message,
    })),
  );
}

function refusal(error: unknown): ToolResult {
  return { ok: false, code: codeOf(error), message: messageOf(error) };
}
