/** A setting's name and help in the page's language: English from the schema itself, others from a dictionary of it. */
import { useTranslation } from 'react-i18next';
import { fieldHelps, fieldNames } from '../i18n/lab-fields.zh.ts';
import { fieldLabel, type RecipeField } from './recipe-fields.ts';

export function useFieldHelp({ name, help }: RecipeField): { label: string; help: string } {
  const { i18n } = useTranslation();
  const label = useFieldLabel()(name);
  return { label, help: i18n.language === 'zh' ? (fieldHelps[help] ?? help) : sentenceCase(help) };
}

/** Gives a function that names a setting. */
export function useFieldLabel(): (name: string) => string {
  const { i18n } = useTranslation();
  return (name) => (i18n.language === 'zh' ? (fieldNames[name] ?? fieldLabel(name)) : fieldLabel(name));
}

/** The schema speaks to the command line, whose help begins small. */
const sentenceCase = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
