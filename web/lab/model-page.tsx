import type { DeploymentRequest, LabModelDetails } from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { Rocket, Split, Trash2 } from 'lucide-react';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useTimeText } from '../account/time-text.ts';
import { errorText } from '../chat/error-text.ts';
import { Button } from '../ui/button.tsx';
import { Confirmation } from '../ui/dialog.tsx';
import { Notice } from '../ui/notice.tsx';
import { Section } from '../ui/settings-page.tsx';
import { deleteModel, deploymentsQuery, modelQuery, originQuery, refreshWithout } from './api.ts';
import { DeployDialog } from './deploy-dialog.tsx';
import { figureTexts } from './figures.tsx';
import { Facts, Heading } from './lab-page.tsx';
import { LineView } from './line-view.tsx';
import { LineageItems } from './lineage-items.tsx';
import { megabytes } from './models-page.tsx';
import { ReportText } from './report-text.tsx';
import { RoleMark } from './role-mark.tsx';

/** One model: where it is used, how good it is, what it was made of. */
export function ModelPage() {
  const { t } = useTranslation();
  const { modelId } = useParams({ from: '/lab/models/$modelId' });
  const { data: details, error } = useQuery(modelQuery(modelId));
  if (error && !details) return <Notice tone="danger">{errorText(t, error)}</Notice>;
  return details ? <Model details={details} /> : null;
}

function Model({ details: { model, manifest, figures, card } }: { details: LabModelDetails }) {
  const { t, i18n } = useTranslation();
  const timeText = useTimeText();
  const number = new Intl.NumberFormat(i18n.language);
  const { parent, data, job } = model;
  return (
    <>
      <Heading title={model.id}>
        <Actions details={{ model, manifest, figures, card }} />
      </Heading>
      <Facts
        facts={[
          model.role !== 'none' && [t('labFact.state'), <RoleMark key="role" role={model.role} />],
          [t('labFact.stage'), t(`labStage.${model.stage}`)],
          [
            t('labFact.size'),
            `${t('model.parameters', { count: number.format(model.parameters) as unknown as number })} · ${megabytes(model.bytes)}`,
          ],
          [t('labFact.created'), timeText(model.createdAt)],
          parent && [
            t('labFact.parent'),
            parent.id === null ? (
              parent.name
            ) : (
              <Link
                key="parent"
                to="/lab/models/$modelId"
                params={{ modelId: parent.id }}
                className="text-accent underline"
              >
                {parent.id}
              </Link>
            ),
          ],
          data && [t('labFact.data'), `${data.name} (${data.hash.slice(0, 12)})`],
          [t('labFact.hash'), <code key="hash">{model.weightsHash.slice(0, 16)}</code>],
          job && [
            t('labFact.run'),
            <Link key="run" to="/lab/runs/$jobId" params={{ jobId: job.id }} className="text-accent underline">
              {job.name}
            </Link>,
          ],
          Object.keys(figures).length > 0 && [t('labFact.figures'), figureTexts(t, figures).join(' · ')],
        ]}
      />
      <Origin id={model.id} />
      {card && (
        <Section title={t('lab.report')}>
          <ReportText text={card} below={2} />
        </Section>
      )}
    </>
  );
}

function Actions({ details: { model } }: { details: LabModelDetails }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [deploying, setDeploying] = useState<DeploymentRequest['kind'] | null>(null);
  const [confirming, setConfirming] = useState(false);
  const promoteButton = useRef<HTMLButtonElement>(null);
  const shareButton = useRef<HTMLButtonElement>(null);
  const removeButton = useRef<HTMLButtonElement>(null);
  const { data: deployments = [] } = useQuery(deploymentsQuery);
  const removing = useMutation({
    mutationFn: () => deleteModel(model.id),
    onSuccess: async () => {
      await navigate({ to: '/lab/models' });
      await refreshWithout(client, model.id);
    },
  });
  const answers = model.stage !== 'reward';
  return (
    <>
      {answers && model.role !== 'deployed' && (
        <>
          <Button ref={promoteButton} shape="primary" onClick={() => setDeploying('promote')}>
            <Rocket size={16} aria-hidden /> {t('deployAction.promote')}
          </Button>
          <Button ref={shareButton} onClick={() => setDeploying('share')}>
            <Split size={16} aria-hidden /> {t('deployAction.share')}
          </Button>
        </>
      )}
      {model.role === 'none' && (
        <Button ref={removeButton} onClick={() => setConfirming(true)}>
          <Trash2 size={16} aria-hidden /> {t('lab.remove')}
        </Button>
      )}
      {removing.error && <Notice tone="danger">{errorText(t, removing.error)}</Notice>}
      {deploying && (
        <DeployDialog
          model={model.id}
          kind={deploying}
          figures={deployments[0]?.figures ?? {}}
          onClose={() => setDeploying(null)}
          returnFocus={deploying === 'promote' ? promoteButton : shareButton}
        />
      )}
      <Confirmation
        open={confirming}
        onOpenChange={setConfirming}
        title={t('lab.removeModelTitle', { name: model.id })}
        text={t('lab.removeModelText')}
        action={t('lab.remove')}
        onConfirm={() => removing.mutate()}
        returnFocus={removeButton}
      />
    </>
  );
}

function Origin({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data: origin } = useQuery(originQuery(id));
  if (!origin) return null;
  const said = t('lineage.said', { count: origin.items.length });
  const people = t('lineage.people', { count: origin.people });
  return (
    <Section
      title={t('lineage.madeOf')}
      description={origin.items.length > 0 ? t('lineage.saidBy', { said, people }) : t('lineage.nobody')}
    >
      <LineView line={origin} />
      <LineageItems items={origin.items.slice(0, 50)} />
    </Section>
  );
}
