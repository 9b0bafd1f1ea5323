import type { Deployment, LabModel } from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Undo2 } from 'lucide-react';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useTimeText } from '../account/time-text.ts';
import { errorText } from '../chat/error-text.ts';
import { countText } from '../chat/model-name.tsx';
import { Button } from '../ui/button.tsx';
import { Field } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { Section } from '../ui/settings-page.tsx';
import { deploymentsQuery, importModel, modelsQuery } from './api.ts';
import { DeployDialog } from './deploy-dialog.tsx';
import { FigureList } from './figures.tsx';
import { Heading } from './lab-page.tsx';
import { RoleMark } from './role-mark.tsx';

/** All models, who answers now, and who did before. */
export function ModelsPage() {
  const { t } = useTranslation();
  const { data: models, error } = useQuery(modelsQuery);
  return (
    <>
      <Heading title={t('lab.models')} />
      {error && <Notice tone="danger">{errorText(t, error)}</Notice>}
      <ul className="mt-4 divide-y divide-line">
        {models?.map((model) => (
          <Model key={model.id} model={model} />
        ))}
      </ul>
      <Deployments />
      <ModelImport />
    </>
  );
}

function Model({ model }: { model: LabModel }) {
  const { t, i18n } = useTranslation();
  const timeText = useTimeText();
  const { id, stage, parameters, bytes, createdAt } = model;
  const facts = [
    t(`labStage.${stage}`),
    t('model.parameters', { count: countText(parameters, i18n.language) as unknown as number }),
    megabytes(bytes),
    timeText(createdAt),
  ];
  return (
    <li>
      <Link
        to="/lab/models/$modelId"
        params={{ modelId: id }}
        className="-mx-3 flex flex-wrap items-baseline gap-x-4 gap-y-1 rounded-xl px-3 py-3 hover:bg-hover"
      >
        <span className="min-w-0 grow basis-48 font-medium wrap-anywhere">{id}</span>
        <RoleMark role={model.role} />
        <span className="text-sm text-muted">{facts.join(' · ')}</span>
      </Link>
    </li>
  );
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

/** The history of who answered, each with its reason and what was known then. */
function Deployments() {
  const { t } = useTranslation();
  const { data: deployments = [] } = useQuery(deploymentsQuery);
  const rollBack = useRef<HTMLButtonElement>(null);
  const [rollingBack, setRollingBack] = useState(false);
  const current = deployments[0];
  const before = deployments.find(({ model }) => model !== current?.model);
  return (
    <Section title={t('deployments.title')} description={t('deployments.description')}>
      {current && before && (
        <Button ref={rollBack} onClick={() => setRollingBack(true)}>
          <Undo2 size={16} aria-hidden /> {t('deployments.rollBack', { model: before.model })}
        </Button>
      )}
      <ol className="mt-3 divide-y divide-line">
        {deployments.map((deployment) => (
          <DeploymentLine key={deployment.id} deployment={deployment} />
        ))}
      </ol>
      {rollingBack && before && (
        <DeployDialog
          model={before.model}
          kind="rollback"
          figures={current?.figures ?? {}}
          onClose={() => setRollingBack(false)}
          returnFocus={rollBack}
        />
      )}
    </Section>
  );
}

function DeploymentLine({ deployment }: { deployment: Deployment }) {
  const { t } = useTranslation();
  const timeText = useTimeText();
  const { kind, model, challenger, challengerPercent, reason, figures, createdAt } = deployment;
  return (
    <li className="py-2.5">
      <p className="wrap-anywhere">
        {challenger === null
          ? t(`deploymentKind.${kind}`, { model })
          : t('deployments.shared', { model, challenger, percent: challengerPercent })}
      </p>
      {reason && <p className="text-sm wrap-anywhere">{reason}</p>}
      <p className="text-sm text-muted">{timeText(createdAt)}</p>
      <FigureList figures={figures} />
    </li>
  );
}

function ModelImport() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [folder, setFolder] = useState('');
  const importing = useMutation({
    mutationFn: () => importModel(folder),
    onSuccess: () => {
      setFolder('');
      return client.invalidateQueries({ queryKey: ['lab'] });
    },
  });
  return (
    <Section title={t('modelImport.title')} description={t('modelImport.description')}>
      <form
        className="flex max-w-xl flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          importing.mutate();
        }}
      >
        <Field
          label={t('modelImport.folder')}
          required
          value={folder}
          onChange={(event) => setFolder(event.currentTarget.value)}
        />
        {importing.error && <Notice tone="danger">{errorText(t, importing.error)}</Notice>}
        <Button type="submit" disabled={importing.isPending} className="self-start">
          {t('modelImport.action')}
        </Button>
      </form>
    </Section>
  );
}
