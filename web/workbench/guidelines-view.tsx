/** The guidelines in the language of the page: beside the task where there is room, behind a button where there is not. */
import { useQuery } from '@tanstack/react-query';
import { BookOpen } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Markdown } from '../chat/markdown.tsx';
import type { Language } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { Drawer } from '../ui/dialog.tsx';
import { guidelinesQuery } from './api.ts';

export function GuidelinesAside() {
  const { t } = useTranslation();
  return (
    <aside
      aria-label={t('workbench.guidelines')}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must scroll by keyboard too
      tabIndex={0}
      className="sticky top-2 mb-8 max-h-[calc(100dvh-6rem)] w-80 shrink-0 overflow-y-auto rounded-2xl border border-line bg-surface px-5 py-4 max-xl:hidden"
    >
      <GuidelinesText />
    </aside>
  );
}

export function GuidelinesDrawer() {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <span className="xl:hidden">
      <Drawer
        trigger={
          <Button shape="quiet">
            <BookOpen size={16} aria-hidden /> {t('workbench.guidelines')}
          </Button>
        }
        open={open}
        onOpenChange={setOpen}
        side="right"
        title={t('workbench.guidelines')}
      >
        <div className="grow overflow-y-auto px-5 py-4">
          <GuidelinesText />
        </div>
      </Drawer>
    </span>
  );
}

function GuidelinesText() {
  const { i18n } = useTranslation();
  const { data } = useQuery(guidelinesQuery);
  return (
    <div className="text-sm [&_.markdown]:text-[0.925rem] [&_.markdown]:leading-relaxed [&_.rank-1]:text-lg! [&_.rank-2]:text-base!">
      <Markdown text={data?.[i18n.language as Language] ?? ''} headingLevel={2} />
    </div>
  );
}
