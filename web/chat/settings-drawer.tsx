import { useQuery } from '@tanstack/react-query';
import { SlidersHorizontal } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { statusQuery } from '../api/queries.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Drawer } from '../ui/dialog.tsx';
import { Slider } from '../ui/slider.tsx';
import { samplingDefaults, samplingWishes } from './sampling.ts';

/** How answers are drawn: the button and the panel that it opens. */
export function SettingsDrawer() {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const wishes = samplingWishes.use();
  const { data: status } = useQuery(statusQuery);
  const shown = { ...samplingDefaults, ...wishes };
  const longest = Math.max(status?.model.context ?? 512, 64);

  return (
    <Drawer
      trigger={
        <IconButton label={t('composer.settings')} side="top" round>
          <SlidersHorizontal size={18} aria-hidden />
        </IconButton>
      }
      open={open}
      onOpenChange={setOpen}
      side="right"
      title={t('settings.title')}
      description={t('settings.description')}
    >
      <div className="flex grow flex-col gap-8 overflow-y-auto px-5 py-6">
        <Slider
          label={t('settings.temperature')}
          help={t('settings.temperatureHelp')}
          lowLabel={t('settings.temperatureLow')}
          highLabel={t('settings.temperatureHigh')}
          value={shown.temperature}
          min={0}
          max={2}
          step={0.1}
          format={(value) => value.toFixed(1)}
          onChange={(temperature) => samplingWishes.set({ ...wishes, temperature })}
        />
        <Slider
          label={t('settings.topP')}
          help={t('settings.topPHelp')}
          lowLabel={t('settings.topPLow')}
          highLabel={t('settings.topPHigh')}
          value={shown.topP}
          min={0.05}
          max={1}
          step={0.05}
          format={(value) => value.toFixed(2)}
          onChange={(topP) => samplingWishes.set({ ...wishes, topP })}
        />
        <Slider
          label={t('settings.maxTokens')}
          help={t('settings.maxTokensHelp')}
          lowLabel={t('settings.maxTokensLow')}
          highLabel={t('settings.maxTokensHigh')}
          value={Math.min(shown.maxTokens, longest)}
          min={16}
          max={longest}
          step={16}
          format={String}
          onChange={(maxTokens) => samplingWishes.set({ ...wishes, maxTokens })}
        />
        <Button
          className="self-start"
          disabled={Object.keys(wishes).length === 0}
          onClick={() => samplingWishes.set({})}
        >
          {t('settings.reset')}
        </Button>
      </div>
    </Drawer>
  );
}
