import { expect, test } from 'vitest';
import { queryTermsOf, termsOf } from './terms.ts';

test('Han text becomes overlapping pairs, everything else words and numbers', () => {
  expect(termsOf('退货期限是30天。')).toEqual(['退货', '货期', '期限', '限是', '30', '天']);
  expect(termsOf('Wi-Fi 路由器 X200, 1,299.50 元')).toEqual(['wi', 'fi', '路由', '由器', 'x200', '1299.50', '元']);
});

test('compatibility forms, case and English plurals are evened out', () => {
  expect(termsOf('ＷＩＦＩ Routers')).toEqual(termsOf('wifi router'));
  expect(termsOf('batteries BUS glass routes')).toEqual(['battery', 'bus', 'glass', 'route']);
  expect(termsOf('Cafés naïve')).toEqual(['cafés', 'naïve']);
});

test('a question is left with the words that tell something, and never with nothing', () => {
  expect(queryTermsOf('What is the warranty of the warranty card?')).toEqual(['warranty', 'card']);
  expect(queryTermsOf('who are you')).toEqual(['who', 'are', 'you']);
  expect(queryTermsOf('税')).toEqual(['税']);
  expect(queryTermsOf('🙂 …')).toEqual([]);
});
