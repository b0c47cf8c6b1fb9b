import type { Predictor } from "./predictors.ts";

/** How a column of whole numbers is written: as first + unit · what the predictor and the residuals give. */
export interface NumberColumn {
  readonly first: number;
  /** What all differences are multiples of; 0 where there are none. */
  readonly unit: number;
  readonly predictor: Predictor;
  readonly step: number;
  /** Of the residuals; `noResiduals` where all are 0. */
  readonly shift: number;
}

/** Larger than any shift that residuals are written with. */
export const noResiduals = 31;
/** Numbers, and the differences between them, are less far from 0 than this. */
export const numberLimit = 2 ** 50;
