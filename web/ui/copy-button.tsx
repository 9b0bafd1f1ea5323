import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useAnnounce } from './announcer.tsx';
import { IconButton } from './button.tsx';

interface CopyButtonProps {
  label: string;
  /** Asked at the click, so that the caller need not keep it. */
  text: () => string;
}

export function CopyButton({ label, text }: CopyButtonProps) {
  const { t } = useTranslation();
  const announce = useAnnounce();
  const [copied, setCopied] = useState(false);

  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1_600);
    return () => clearTimeout(timer);
  }, [copied]);

  async function copy(): Promise<void> {
    await copyText(text());
    setCopied(true);
    announce(t('answer.copied'));
  }

  return (
    <IconButton label={copied ? t('answer.copied') : label} size="small" onClick={() => void copy()}>
      {copied ? <Check size={16} className="text-accent" aria-hidden /> : <Copy size={16} aria-hidden />}
    </IconButton>
  );
}

async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Over plain HTTP from another machine there is no clipboard API; the old way still works.
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'sr-only';
  document.body.append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
}
