/**
 * The line from snapshots through models and comparisons to deployments, as steps in the order of time. Every step
 * says what ties it to the one before.
 */
import { type Lineage, type LineageModel, roleAllows } from '@parley/contracts';
import { Link } from '@tanstack/react-router';
import { Boxes, Camera, Rocket, Scale } from 'lucide-react';
import type { ComponentType, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useSession } from '../account/session.tsx';
import { useTimeText } from '../account/time-text.ts';
import { percent } from './figures.tsx';

type Line = Pick<Lineage, 'snapshots' | 'models' | 'comparisons' | 'deployments'>;

export function LineView({ line }: { line: Line }) {
  const { t } = useTranslation();
  const timeText = useTimeText();
  const { snapshots, models, comparisons, deployments } = line;
  return (
    <ol className="mt-2 ml-3.5 border-l-2 border-line">
      {snapshots.map(({ hash, name, lines, createdAt, present }) => (
        <Step key={hash} Icon={Camera} time={timeText(createdAt)}>
          <p>
            {t('lineage.snapshot', { name, count: lines })}
            {!present && ` ${t('lineage.gone')}`}
          </p>
        </Step>
      ))}
      {models.map((model) => (
        <Step key={model.weightsHash} Icon={Boxes} time={timeText(model.createdAt)}>
          <p>
            <ModelLink model={model} /> <span className="text-sm text-muted">({t(`labStage.${model.stage}`)})</span>
            {model.removed && ` ${t('lineage.gone')}`}
          </p>
          {model.links.map((link) => (
            <p key={`${link.kind} ${link.from}`} className="text-sm text-muted">
              {t(`lineageLink.${link.kind}`, { name: nameOf(link.from, line) })}
            </p>
          ))}
        </Step>
      ))}
      {comparisons.map(({ id, left, right, votes, winRate, createdAt }) => (
        <Step key={id} Icon={Scale} time={timeText(createdAt)}>
          <p>
            {winRate === null
              ? t('lineage.compared', { left, right })
              : t('lineage.comparedWith', { left, right, winRate: percent(winRate), count: votes })}
          </p>
        </Step>
      ))}
      {[...deployments].reverse().map(({ id, model, challengerPercent, from, until }) => (
        <Step key={`${id} ${model}`} Icon={Rocket} time={timeText(from)}>
          <p>
            {challengerPercent === null
              ? t('lineage.deployed', { model })
              : t('lineage.shared', { model, percent: challengerPercent })}
          </p>
          <p className="text-sm text-muted">
            {until === null ? t('lineage.still') : t('lineage.until', { time: timeText(until) })}
          </p>
        </Step>
      ))}
    </ol>
  );
}

interface StepProps {
  Icon: ComponentType<{ size: number }>;
  time: string;
  children: ReactNode;
}

function Step({ Icon, time, children }: StepProps) {
  return (
    <li className="relative flex flex-wrap gap-x-4 py-2.5 pl-6">
      <span className="absolute top-2.5 -left-[0.95rem] flex size-7 items-center justify-center rounded-full border border-line bg-surface text-accent">
        <Icon size={15} />
      </span>
      <div className="min-w-0 grow basis-64 leading-relaxed wrap-anywhere">{children}</div>
      <p className="text-sm text-muted tabular-nums">{time}</p>
    </li>
  );
}

/** Only administrators have the model's own page. */
function ModelLink({ model: { id, removed } }: { model: LineageModel }) {
  const administrator = roleAllows(useSession().role, 'administrator');
  if (!administrator || removed) return <span className="font-medium">{id}</span>;
  return (
    <Link to="/lab/models/$modelId" params={{ modelId: id }} className="font-medium text-accent underline">
      {id}
    </Link>
  );
}

function nameOf(hash: string, { snapshots, models }: Line): string {
  const model = models.find(({ weightsHash }) => weightsHash === hash)?.id;
  return model ?? snapshots.find((snapshot) => snapshot.hash === hash)?.name ?? hash.slice(0, 12);
}
