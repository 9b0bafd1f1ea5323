/** What people and models say in a filled home. */

export const longTitle =
  'A question with a very long title that goes on and on, as people paste whole paragraphs into the field';
export const short = 'That is a long question.';
export const poem = 'Grey waves, one white sail;\nthe gull draws a line between\nyesterday and now.';
export const chineseTitle = '唐朝的都城在哪里？';
export const chineseQuestion = '唐朝的都城在哪里？当时有多少人口？请列出你的依据。';
export const chineseAnswer = `唐朝的都城是**洛阳**，盛时约有一百万人。

1. 城市分为一百零八坊，由朱雀大街分为东西两半。
2. 东市和西市是主要的商业区，来自各地的商人在此交易。
   - 西市以胡商闻名。
   - 东市靠近达官贵人的住处。
3. 每坊都有围墙，夜间关闭坊门。

> 九天阊阖开宫殿，万国衣冠拜冕旒。`;
export const chineseCode = `可以直接用求和公式，也可以写一个循环：

\`\`\`python
def total(limit: int) -> int:
    """Sum of 1 to limit, inclusive."""
    return sum(range(1, limit + 1))  # the closed form is limit * (limit + 1) // 2

print(total(100))
\`\`\`

结果是 \\(5050\\)，因为 $\\frac{100 \\times 101}{2} = 5050$。`;
export const longQuestion = Array.from(
  { length: 16 },
  (_, index) => `第 ${index + 1} 条：请总结这段文字，并指出其中前后不一致的地方。`,
).join('\n');
export const chineseSummary = '这段文字反复要求总结同一件事，前后并无矛盾，只是';
export const formulaAnswer = `## The sum of the first numbers

It is half of the last number times its successor:

$$
\\sum_{k=1}^{n} k = \\frac{n(n+1)}{2}
$$

Pair the first with the last, the second with the last but one, and so on: every pair adds up to $n + 1$, and there are $n/2$ pairs. [Proofs of it](https://example.org/proofs) are as old as arithmetic.`;
export const codeAnswer = `# In code

\`\`\`typescript
/** @param limit an integer, at least 0 */
export function total(limit: number): number {
  if (!Number.isInteger(limit) || limit < 0) throw new RangeError(\`limit is \${limit}; give an integer, at least 0\`);
  return (limit * (limit + 1)) / 2;
}
\`\`\`

| n | Sum of numbers | Sum of squares | Sum of cubes | Ratio of the last two |
|--:|--:|--:|--:|--:|
| 1 | 1 | 1 | 1 | 1 |
| 10 | 55 | 385 | 3,025 | 7.857 |
| 100 | 5,050 | 338,350 | 25,502,500 | 75.37 |

- [x] Sum of numbers
- [ ] Sum of fourth powers`;
export const wrongAnswer = 'It was found by';
export const draftA = 'Black tea with ginger: it warms, and it keeps you awake through long evenings.';
export const draftB =
  'Any tea that you like. Rooibos has no caffeine, so you can drink it **late**:\n\n- with milk\n- with orange peel';

export const handbook = `# Delivery
We ship from our warehouse in Graz on working days. Parcels inside Austria arrive after two days, parcels to other countries of the European Union after four to six days.

# Warranty
All lamps have a warranty of three years. It covers the electronics and the switch, but neither glass shades that broke nor the battery.

# 保修
所有灯具保修三年，电池除外。请保留发票作为凭证。
`;
