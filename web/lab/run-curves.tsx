/** The curves that a run's metrics have something for. */
import type { Metric } from '@parley/contracts';
import { useTranslation } from 'react-i18next';
import { Curve } from './curve.tsx';

/** A chart each, with the metrics that are drawn in it. */
const charts = [
  { title: 'loss', keys: ['loss', 'validationLoss'] },
  { title: 'reward', keys: ['reward'] },
  { title: 'kl', keys: ['kl'] },
  { title: 'accuracy', keys: ['accuracy'] },
  { title: 'valueLoss', keys: ['valueLoss'] },
  { title: 'entropy', keys: ['entropy'] },
  { title: 'length', keys: ['length'] },
  { title: 'ended', keys: ['ended', 'sameLanguage'] },
  { title: 'gradientNorm', keys: ['gradientNorm'] },
  { title: 'learningRate', keys: ['learningRate'] },
  { title: 'tokensPerSecond', keys: ['tokensPerSecond'] },
] as const;

export function RunCurves({ metrics }: { metrics: readonly Metric[] }) {
  const { t } = useTranslation();
  const steps = metrics.map(({ step }) => step);
  const valuesOf = (key: string) =>
    metrics.map((metric) => (typeof metric[key] === 'number' ? (metric[key] as number) : null));
  const drawn = charts
    .map(({ title, keys }) => ({
      title,
      lines: keys
        .map((key) => ({ name: t(`labMetric.${key}`), values: valuesOf(key) }))
        .filter(({ values }) => values.some((value) => value !== null)),
    }))
    .filter(({ lines }) => lines.length > 0);
  if (drawn.length === 0) return <p className="mt-4 text-sm text-muted">{t('lab.noMetrics')}</p>;
  return (
    <div className="mt-4 grid gap-4 lg:grid-cols-2">
      {drawn.map(({ title, lines }) => (
        <Curve key={title} title={t(`labMetric.${title}`)} steps={steps} lines={lines} />
      ))}
    </div>
  );
}
