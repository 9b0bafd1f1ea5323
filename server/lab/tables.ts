/** The Lab's tables as Kysely sees them. */
import type { Deployment } from '@parley/contracts';

export interface ModelRow {
  id: string;
  weights_hash: string;
  folder: string;
  /** JSON of the whole `Manifest`. */
  manifest: string;
  context: number;
  registered_at: number;
  removed_at: number | null;
}

export interface DeploymentRow {
  id: string;
  kind: Deployment['kind'];
  model_id: string;
  challenger_id: string | null;
  challenger_percent: number;
  reason: string;
  /** JSON: what was known of the models when it was decided. */
  figures: string;
  user_id: string | null;
  created_at: number;
}

export interface LabTables {
  models: ModelRow;
  deployments: DeploymentRow;
}
