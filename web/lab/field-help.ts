/** A setting's name and help in the page's language: English from the schema itself, others from a dictionary of it. */
import { useTranslation } from 'react-i18next';
import { fieldHelps, fieldNames } from '../i18n/lab-fields.zh.ts';
import { fieldLabel, type RecipeField } from './recipe-fields.ts';

export function useFieldHelp({ name, help }: RecipeField): { label: string; help: string } {
  const { i18n } = useTranslation();
  if (i18n.language !== 'zh') return { label: fieldLabel(name), help };
  return { label: fieldNames[name] ?? fieldLabel(name), help: fieldHelps[help] ?? help };
}
