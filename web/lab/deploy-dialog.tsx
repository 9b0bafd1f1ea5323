/** Before people get another model: what is known of it, and why. */
import type { DeploymentRequest, Figures } from '@parley/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type RefObject, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '../chat/error-text.ts';
import { Button } from '../ui/button.tsx';
import { LongField } from '../ui/field.tsx';
import { Modal } from '../ui/modal.tsx';
import { Notice } from '../ui/notice.tsx';
import { Slider } from '../ui/slider.tsx';
import { deploy, modelQuery } from './api.ts';
import { FigureList } from './figures.tsx';

interface DeployDialogProps {
  model: string;
  kind: DeploymentRequest['kind'];
  /** Of the models that answer now, as they were known when that was decided. */
  figures: Record<string, Figures>;
  onClose: () => void;
  returnFocus: RefObject<HTMLElement | null>;
}

export function DeployDialog({ model, kind, figures, onClose, returnFocus }: DeployDialogProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const [percent, setPercent] = useState(20);
  const { data: details } = useQuery(modelQuery(model));
  const deploying = useMutation({
    mutationFn: () => {
      if (kind === 'rollback') return deploy({ kind, reason });
      if (kind === 'promote') return deploy({ kind, model, reason });
      return deploy({ kind, challenger: model, challengerPercent: percent, reason });
    },
    // Closed before the lists are asked for again: with them, the model to go back to becomes another one.
    onSuccess: () => {
      onClose();
      return client.invalidateQueries();
    },
  });
  return (
    <Modal
      title={t(`deployTitle.${kind}`, { model })}
      description={t(`deployText.${kind}`, { model })}
      onClose={onClose}
      returnFocus={returnFocus}
    >
      <form
        className="mt-4 flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          deploying.mutate();
        }}
      >
        <FigureList figures={{ ...figures, ...(details && { [model]: details.figures }) }} />
        {kind === 'share' && (
          <Slider
            label={t('deployments.percent')}
            help={t('deployments.percentHelp')}
            lowLabel="0 %"
            highLabel="99 %"
            value={percent}
            min={0}
            max={99}
            step={1}
            format={(value) => `${value} %`}
            onChange={setPercent}
          />
        )}
        <LongField
          label={t('deployments.reason')}
          rows={3}
          maxLength={2000}
          required={kind === 'rollback'}
          value={reason}
          onChange={setReason}
        />
        {deploying.error && <Notice tone="danger">{errorText(t, deploying.error)}</Notice>}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t('app.cancel')}</Button>
          <Button type="submit" shape="primary" disabled={deploying.isPending}>
            {t(`deployAction.${kind}`)}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
