/** Documents in English, Chinese and code that the tests train small tokenizers on; written for them. */
export const smallCorpus: readonly string[] = [
  `The harbour wakes before the town does. Ropes creak, gulls argue over the night's catch, and the old crane
turns its neck towards the sea. "You're late," says the captain, although nobody is. She counts the crates: 12,
24, 36, then writes 1,048 in the book, because that's what the paper says and she doesn't trust her fingers.

When the tide turns, the boats go out one after another. They've done it every morning for 300 years; they'll do
it tomorrow too. The water is grey, then green, then blue. A boy on the pier waves until he can't see them.`,
  `清晨的港口比镇子醒得早。缆绳吱呀作响，海鸥为昨夜的鱼争吵，旧吊车把脖子转向大海。“你迟到了。”船长说，
虽然谁也没有迟到。她数着箱子：12、24、36，然后在本子上写下1048，因为纸上是这样写的。

　　潮水一转，船一只接一只地出海。三百年来，每天早晨都是如此；明天也会如此。海水先是灰的，然后是绿的，
最后是蓝的。码头上的男孩挥着手，直到再也看不见它们。大海没有回答，海鸥也没有回答。`,
  `def count_crates(crates: list[int]) -> int:
    """Add the crates up and check the result against the book."""
    total = 0
    for index, crate in enumerate(crates):
        if crate < 0:
            raise ValueError(f"crate {index} holds {crate}")
        total += crate
    return total

for (const boat of boats) {
  if (boat.isOut && !boat.isLost) harbour.push({ name: boat.name, crates: boat.crates ?? 0 });
}
`,
  `User: What's the word for harbour in Chinese?\nAssistant: 港口 (gǎngkǒu). It's "港" (harbour) and "口" (mouth). 🚢⚓\n`,
];
