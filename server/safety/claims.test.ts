import type { Claim } from '@parley/contracts';
import { expect, test } from 'vitest';
import { cutPassages } from '../assistants/passages.ts';
import { retrievalDocuments } from '../assistants/retrieval-set.ts';
import { queryTermsOf, termsOf } from '../assistants/terms.ts';
import { claimsOf, judgeClaim } from './claims.ts';
import { quantitiesIn } from './quantities.ts';

test('numbers are the same in digits and in words', () => {
  expect([...quantitiesIn('It took three hours and 1,299.50 euros, twelve times')]).toEqual(['1299.5', '3', '12']);
  expect([...quantitiesIn('九点六厘米，二十四小时，两千零五元，三百毫升，一个十分好的办法')]).toEqual([
    '9.6',
    '24',
    '2005',
    '300',
  ]);
});

test('claims are sentences without marks; greetings, questions and code claim nothing', () => {
  const answer = '# Answer\n\n- The lamp **weighs** 1.2 kilograms [1]. Thanks!\n\n```\ncode here\n```\n保修三年。[2]';
  expect(claimsOf(answer)).toEqual(['Answer', 'The lamp weighs 1.2 kilograms .', 'Thanks!', '保修三年。']);
  expect(judgeClaim('Thanks!', ['Thanks!']).verdict).toBe('none');
  expect(judgeClaim('How long is the warranty of all lamps?', []).verdict).toBe('none');
});

/** Labelled by hand, from reading the documents, before the check was written. */
const labelled: [string, Claim['verdict']][] = [
  ['Orders over 60 euros are sent free of charge.', 'supported'],
  ['Orders over 80 euros are sent free of charge.', 'numbers'],
  ['You can send a lamp back within thirty days.', 'supported'],
  ['You can send a lamp back within 14 days.', 'numbers'],
  ['The warranty of all lamps is three years.', 'supported'],
  ['The warranty of all lamps is five years.', 'numbers'],
  ['The warranty covers the electronics and the switch.', 'supported'],
  ['The battery of the Aurora lasts for nine hours at full brightness.', 'supported'],
  ['The battery of the Aurora lasts for 12 hours at full brightness.', 'numbers'],
  ['The lamps are made by hand in Portugal from old ship timber.', 'notFound'],
  ['Opened light bulbs cannot be returned.', 'supported'],
  ['Opened light bulbs can be returned.', 'notFound'],
  ['Invoices are the matter of Mr Keller in accounting.', 'notFound'],
  ['Invoices are the matter of Mrs Novak in accounting.', 'supported'],
  ['The library opens at ten in the morning and closes at seven.', 'supported'],
  ['The library was founded by a fisherman after the war.', 'notFound'],
  ['A library card costs 12 euros a year.', 'supported'],
  ['A library card costs 20 euros a year.', 'numbers'],
  ['Books can be renewed twice unless somebody waits.', 'supported'],
  ['The wireless network HarbourGuest needs a password.', 'notFound'],
  ['Children and students pay half the price for concerts.', 'notFound'],
  ['本诊所周六只有上午看诊。', 'supported'],
  ['专家门诊挂号费为八十元。', 'supported'],
  ['专家门诊挂号费为一百五十元。', 'numbers'],
  ['抽血检查要求空腹8小时。', 'supported'],
  ['抽血检查要求空腹12小时。', 'numbers'],
  ['可以使用微信、支付宝或现金付款。', 'supported'],
  ['诊所提供上门接送老人的服务。', 'notFound'],
  ['流感疫苗每年九月开始接种。', 'supported'],
  ['扫地机充满电约需4个小时。', 'supported'],
  ['扫地机充满电约需2个小时。', 'numbers'],
  ['扫地机可以在雨天清洗汽车玻璃。', 'notFound'],
  ['整机保修一年，电池保修六个月。', 'supported'],
  ['电池保修两年。', 'numbers'],
  ['人为进水在保修范围内。', 'notFound'],
  ['往返运费由我们承担。', 'supported'],
  // What a comparison of words cannot see; kept here so that the figure below says so.
  ['Parcels inside Austria arrive after six days.', 'numbers'],
  ['Glass shades that broke are covered by the warranty.', 'notFound'],
  ['The price is refunded to your card before five working days are over.', 'supported'],
  ['六岁以下儿童只需要一针流感疫苗。', 'numbers'],
];

/** Written after the check was finished, and not looked at while it was made. */
const heldOut: [string, Claim['verdict']][] = [
  ['The Aurora weighs 1.2 kilograms.', 'supported'],
  ['The Aurora weighs 2.5 kilograms.', 'numbers'],
  ['The Polaris bears frost down to minus 25 degrees.', 'supported'],
  ['The Polaris charges by sunlight in an hour.', 'notFound'],
  ['On Fridays the workshop repairs and does not answer the phone.', 'supported'],
  ['On Fridays the workshop answers the phone.', 'notFound'],
  ['A late book costs 20 cents for each day.', 'supported'],
  ['A late book costs 50 cents for each day.', 'numbers'],
  ['You may take ten books for four weeks.', 'supported'],
  ['The café sells fresh fish on Sundays.', 'notFound'],
  ['挂号之后请在大厅观察三十分钟。', 'notFound'],
  ['接种后请在大厅观察三十分钟。', 'supported'],
  ['接种后请在大厅观察五分钟。', 'numbers'],
  ['院内停车位仅供行动不便的患者使用。', 'supported'],
  ['诊所每年组织医生出国进修。', 'notFound'],
  ['机器只支持2.4GHz的无线网络。', 'supported'],
  ['滤网建议每三个月更换。', 'supported'],
  ['滤网建议每八个月更换。', 'numbers'],
  ['尘盒容量四百五十毫升。', 'supported'],
  ['寄修之前不用联系客服。', 'notFound'],
];

test('most labelled claims are judged right, and hardly any false one is called supported', () => {
  const figures = (claims: typeof labelled) => {
    const told = claims.map(([claim, truth]) => ({ truth, told: judge(claim) }));
    return {
      claims: told.length,
      right: told.filter((one) => one.truth === one.told).length,
      falselySupported: told.filter((one) => one.truth !== 'supported' && one.told === 'supported').length,
    };
  };
  expect(figures(labelled)).toEqual({ claims: 40, right: 37, falselySupported: 2 });
  expect(figures(heldOut)).toEqual({ claims: 20, right: 19, falselySupported: 1 });
});

const passages = retrievalDocuments.flatMap(({ text }) =>
  cutPassages(text).map(({ start, end }) => text.slice(start, end)),
);

/** The five passages that share most of the claim's terms stand in for the search. */
function judge(claim: string): Claim['verdict'] {
  const wanted = queryTermsOf(claim);
  const shared = (passage: string) => {
    const known = new Set(termsOf(passage));
    return wanted.filter((term) => known.has(term)).length;
  };
  const closest = [...passages].sort((one, other) => shared(other) - shared(one)).slice(0, 5);
  return judgeClaim(claim, closest).verdict;
}
