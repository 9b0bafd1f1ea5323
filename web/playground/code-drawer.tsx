import { Link } from '@tanstack/react-router';
import { Code } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { Drawer } from '../ui/dialog.tsx';
import { Choice } from '../ui/field.tsx';
import { type Program, programOf, programs } from './code.ts';
import type { ApiRequest } from './playground-state.ts';

/** The request as a program to copy: the button and the panel that it opens. */
export function CodeDrawer({ request }: { request: ApiRequest }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const [program, setProgram] = useState<Program>('curl');
  const code = programOf(program, request, location.origin);
  return (
    <Drawer
      trigger={
        <Button>
          <Code size={16} aria-hidden /> {t('playground.code')}
        </Button>
      }
      open={open}
      onOpenChange={setOpen}
      side="right"
      title={t('playground.code')}
      description={t('playground.codeHelp')}
    >
      <div className="flex grow flex-col gap-4 overflow-y-auto px-5 py-5">
        <div className="flex items-end justify-between gap-3">
          <Choice
            label={t('playground.language')}
            value={program}
            onChange={setProgram}
            options={Object.entries(programs).map(([value, label]) => ({ value: value as Program, label }))}
            className="grow"
          />
          <CopyButton label={t('answer.copyCode')} text={() => code} />
        </div>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
        <pre tabIndex={0} className="overflow-x-auto rounded-xl bg-sunken p-4 font-mono text-xs leading-relaxed">
          {code}
        </pre>
        <p className="text-sm leading-relaxed text-muted">
          {t('playground.keyHelp')}{' '}
          <Link to="/account" className="rounded-sm font-medium text-accent underline underline-offset-2">
            {t('playground.makeKey')}
          </Link>
        </p>
      </div>
    </Drawer>
  );
}
