/** All conversations to a file, and from one. */
import { Download, Ellipsis, Upload } from 'lucide-react';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { NotAnExportError, useImport } from '../api/library.ts';
import { useAnnounce } from '../ui/announcer.tsx';
import { IconButton } from '../ui/button.tsx';
import { Menu, MenuItem } from '../ui/menu.tsx';
import { errorText } from './error-text.ts';

export function TransferMenu() {
  const { t } = useTranslation();
  const announce = useAnnounce();
  const picker = useRef<HTMLInputElement>(null);
  const importing = useImport();
  const { error } = importing;

  function importFile(file: File | undefined): void {
    if (!file) return;
    importing.mutate(file, {
      onSuccess: ({ length }) => announce(t('transfer.imported', { count: length })),
    });
  }

  return (
    <>
      <Menu
        trigger={
          <IconButton label={t('transfer.menu')}>
            <Ellipsis size={18} aria-hidden />
          </IconButton>
        }
      >
        <MenuItem onSelect={() => location.assign('/api/export')}>
          <Download size={16} aria-hidden /> {t('transfer.exportAll')}
        </MenuItem>
        <MenuItem onSelect={() => picker.current?.click()}>
          <Upload size={16} aria-hidden /> {t('transfer.import')}
        </MenuItem>
      </Menu>
      <input
        ref={picker}
        type="file"
        accept="application/json,.json"
        hidden
        aria-hidden
        tabIndex={-1}
        onChange={(event) => {
          importFile(event.target.files?.[0]);
          event.target.value = '';
        }}
      />
      {error && (
        <p
          role="alert"
          className="absolute inset-x-2.5 top-13 z-10 rounded-xl bg-danger-soft px-3.5 py-2 text-sm text-danger shadow-float"
        >
          {error instanceof NotAnExportError
            ? t('transfer.notAnExport')
            : t('transfer.failed', { reason: errorText(t, error) })}
        </p>
      )}
    </>
  );
}
