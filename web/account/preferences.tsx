import { Languages, Monitor, Moon, Sun } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { type Language, languages, setLanguage } from '../i18n/index.ts';
import { IconButton } from '../ui/button.tsx';
import { Menu, MenuChoices } from '../ui/menu.tsx';
import { type Theme, useTheme } from '../ui/theme.ts';

export function LanguageMenu() {
  const { t, i18n } = useTranslation();
  const options = (Object.keys(languages) as Language[]).map((value) => ({
    value,
    label: languages[value],
    lang: value,
  }));
  return (
    <Menu
      trigger={
        <IconButton label={t('app.language')}>
          <Languages size={18} aria-hidden />
        </IconButton>
      }
    >
      <MenuChoices value={i18n.language as Language} onChange={setLanguage} options={options} />
    </Menu>
  );
}

export function ThemeMenu() {
  const { t } = useTranslation();
  const [theme, setTheme] = useTheme();
  const options: { value: Theme; label: string; icon: React.ReactNode }[] = [
    { value: 'system', label: t('app.themeSystem'), icon: <Monitor size={16} aria-hidden /> },
    { value: 'light', label: t('app.themeLight'), icon: <Sun size={16} aria-hidden /> },
    { value: 'dark', label: t('app.themeDark'), icon: <Moon size={16} aria-hidden /> },
  ];
  return (
    <Menu
      trigger={
        <IconButton label={t('app.theme')}>
          <Sun size={18} className="dark:hidden" aria-hidden />
          <Moon size={18} className="not-dark:hidden" aria-hidden />
        </IconButton>
      }
    >
      <MenuChoices value={theme} onChange={setTheme} options={options} />
    </Menu>
  );
}
