import { type ErrorCode, GradswarmError } from '../../../shared/base/errors.ts';
import type { Batch } from '../../../shared/data/batch.ts';
import type { TextSampling } from '../../worker/compute/sample-tokens.ts';
import type { EvaluatedUnit, TrainedUnit, UnitRunnerSetup } from '../../worker/compute/unit-runner.ts';
import type { Engine, EngineChoice } from '../../worker/engine/engine.ts';

/** What a session may know of an engine that is in another thread. */
export type EngineFacts = Pick<Engine, 'name' | 'determinismClass' | 'deviceInWords' | 'software'>;

/** The thread's service. One engine, several runners by number; calls are worked off in their order. */
export interface ComputeService {
  open(choice: EngineChoice): Promise<EngineFacts>;
  selfTest(modelKind: string): Promise<void>;
  createRunner(setup: Omit<UnitRunnerSetup, 'engine'>): Promise<number>;
  setParameters(runner: number, version: number, flat: Float32Array): Promise<void>;
  train(runner: number, batch: Batch, seed: number): Promise<TrainedUnit>;
  evaluate(runner: number, batch: Batch): Promise<EvaluatedUnit>;
  sampleTokens(
    runner: number,
    prompt: readonly number[],
    count: number,
    sampling: TextSampling,
  ): Promise<number[]>;
  disposeRunner(runner: number): Promise<void>;
  close(): Promise<void>;
}

export type ComputeMethod = keyof ComputeService;

export interface ComputeRequest<Method extends ComputeMethod = ComputeMethod> {
  readonly id: number;
  readonly method: Method;
  readonly parameters: Parameters<ComputeService[Method]>;
}

export type ComputeResponse =
  | { readonly id: number; readonly value: unknown }
  /** Structured clone loses the fields of an error, so they travel apart. Without a code: an unexpected error. */
  | { readonly id: number; readonly message: string; readonly code?: ErrorCode; readonly field?: string };

export function toFailure(id: number, error: unknown): ComputeResponse {
  if (!(error instanceof GradswarmError)) {
    return { id, message: error instanceof Error ? error.message : String(error) };
  }
  const { message, code, field } = error;
  return { id, message, code, ...(field !== undefined && { field }) };
}

export function fromFailure({ message, code, field }: Exclude<ComputeResponse, { value: unknown }>): Error {
  return code === undefined ? new Error(message) : new GradswarmError(code, message, field);
}
