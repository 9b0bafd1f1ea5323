import { labRecipeSchema, labRecipes, quickSettings } from '@parley/contracts';
import { describe, expect, test } from 'vitest';
import { fieldHelps, fieldNames } from '../i18n/lab-fields.zh.ts';
import { fieldsOf, isRequired, settingsOf, startValues } from './recipe-fields.ts';

const recipes = labRecipeSchema.options;

describe.each(recipes)('%s', (recipe) => {
  test('every setting has a name and a help in Chinese', () => {
    for (const { name, help } of fieldsOf(recipe)) {
      expect(fieldNames[name], name).toBeDefined();
      if (help !== '') expect(fieldHelps[help], help).toBeDefined();
    }
  });

  test('an untouched form asks for nothing but what must be chosen', () => {
    expect(settingsOf(recipe, startValues(recipe, false))).toEqual({});
  });

  test('the quick settings come through the form as they are, and the recipe takes them', () => {
    const settings = settingsOf(recipe, startValues(recipe, true));
    expect(settings).toEqual(quickSettings[recipe] ?? {});
    const chosen = Object.fromEntries(
      fieldsOf(recipe)
        .filter(isRequired)
        .map(({ name }) => [name, 'model:x']),
    );
    expect(labRecipes[recipe].safeParse({ ...chosen, ...settings, out: 'run' }).success).toBe(true);
  });
});

test('what is not needed can be set back to its default, and a number that is typed is a number', () => {
  const values = { ...startValues('ppo', false), steps: '7', dump: true, rewardModel: 'model:judge' };
  expect(settingsOf('ppo', values)).toEqual({ steps: 7, dump: true, rewardModel: 'model:judge' });
  expect(settingsOf('ppo', { ...values, steps: '100', dump: false, rewardModel: '' })).toEqual({});
});
