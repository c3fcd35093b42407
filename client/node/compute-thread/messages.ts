import type { ErrorMessage } from '../../../shared/base/error-message.ts';
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
  | { readonly id: number; readonly error: ErrorMessage };
