/** The Lab's tables as Kysely sees them. */
import type { Deployment, Job, LabRecipe, LineageItem } from '@parley/contracts';
import type { Choice } from './win-rate.ts';

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

export interface ComparisonRow {
  id: string;
  left_id: string;
  right_id: string;
  /** JSON of the whole `Sampling`; the seed is counted up by prompt. */
  sampling: string;
  error: string | null;
  user_id: string | null;
  created_at: number;
}

export interface ComparisonItemRow {
  id: string;
  comparison_id: string;
  /** JSON of the list of messages. */
  prompt: string;
  left_answer: string | null;
  right_answer: string | null;
}

interface ComparisonVoteRow {
  id: string;
  item_id: string;
  user_id: string | null;
  choice: Choice;
  created_at: number;
}

export interface SnapshotRow {
  hash: string;
  name: string;
  preferences_hash: string;
  demonstrations_hash: string | null;
  lines: number;
  created_at: number;
}

export interface SnapshotLineRow {
  snapshot_hash: string;
  item_id: string;
  kind: LineageItem['kind'];
  author: string | null;
  excerpt: string;
  created_at: number | null;
}

export interface LabTables {
  models: ModelRow;
  deployments: DeploymentRow;
  jobs: JobRow;
  comparisons: ComparisonRow;
  comparison_items: ComparisonItemRow;
  comparison_votes: ComparisonVoteRow;
  snapshots: SnapshotRow;
  snapshot_lines: SnapshotLineRow;
}
