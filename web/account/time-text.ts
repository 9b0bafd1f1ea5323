import { useTranslation } from 'react-i18next';

/** Gives a function that writes a time as the person's language does. */
export function useTimeText(): (epochMilliseconds: number) => string {
  const { i18n } = useTranslation();
  const format = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium', timeStyle: 'short' });
  return (epochMilliseconds) => format.format(new Date(epochMilliseconds));
}
