/** One token per character: the tokenizer of nanoGPT's shakespeare-char, kept in the same file format. */
import { bytePairModel } from './format.ts';
import { Tokenizer } from './tokenizer.ts';

/**
 * A tokenizer whose vocabulary is exactly the distinct characters (code points) of a text, in code point order,
 * without special tokens. Encoding any other character is an error.
 *
 * In tokenizer.json this is a BPE model without merges over undivided text: Hugging Face's implementations read it.
 */
export function characterTokenizer(text: string): Tokenizer {
  if (text === '') throw new Error('a character tokenizer needs a text that is not empty');
  const characters = [...new Set(text)].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  const json = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'Split', pattern: { Regex: '[\\s\\S]' }, behavior: 'Isolated', invert: false },
    post_processor: null,
    decoder: { type: 'Fuse' },
    model: bytePairModel(characters, []),
  };
  const config = { tokenizer_class: 'PreTrainedTokenizerFast', clean_up_tokenization_spaces: false };
  return new Tokenizer({
    'tokenizer.json': `${JSON.stringify(json, null, 2)}\n`,
    'tokenizer_config.json': `${JSON.stringify(config, null, 2)}\n`,
  });
}
