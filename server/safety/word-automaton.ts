/**
 * Finds any of many words in one pass: the automaton of A. V. Aho and M. J. Corasick, "Efficient string matching"
 * (CACM 18, 1975). Its state after a text says which words end there, and how much of a word has begun: while no word
 * has begun, nothing that follows can make what went before part of one. That is what lets a stream go.
 */
interface Node {
  next: Map<string, Node>;
  /** The node of the longest proper suffix that begins a word. */
  fail: Node | null;
  /** Lengths, in folded characters, of the words that end here. */
  lengths: number[];
}

export type AutomatonState = Node;

export class WordAutomaton {
  readonly root: AutomatonState = newNode();

  /** @param words folded, not empty */
  constructor(words: readonly string[]) {
    for (const word of words) {
      let node = this.root;
      const characters = [...word];
      for (const character of characters) {
        const known = node.next.get(character) ?? newNode();
        node.next.set(character, known);
        node = known;
      }
      if (!node.lengths.includes(characters.length)) node.lengths.push(characters.length);
    }
    const queue = [...this.root.next.values()];
    for (const node of queue) node.fail = this.root;
    for (let node = queue.shift(); node; node = queue.shift()) {
      for (const [character, child] of node.next) {
        child.fail = this.step(node.fail!, character);
        child.lengths.push(...child.fail.lengths);
        queue.push(child);
      }
    }
  }

  step(state: AutomatonState, character: string): AutomatonState {
    for (let node: Node | null = state; node; node = node.fail) {
      const next = node.next.get(character);
      if (next) return next;
    }
    return this.root;
  }
}

function newNode(): Node {
  return { next: new Map(), fail: null, lengths: [] };
}
