/** The Lab's tables as Kysely sees them. */
import type { Deployment, Job, LabRecipe } from '@parley/contracts';

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

export interface JobRow {
  id: string;
  recipe: LabRecipe;
  name: string;
  /** JSON: those that differ from the recipe's defaults. */
  settings: string;
  state: Job['state'];
  stop_requested: number;
  attempts: number;
  error: string | null;
  worker: string | null;
  lease_until: number | null;
  heartbeat_at: number | null;
  process_id: number | null;
  process_started: string | null;
  retry_at: number;
  user_id: string | null;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
}

export interface LabTables {
  models: ModelRow;
  deployments: DeploymentRow;
  jobs: JobRow;
}
