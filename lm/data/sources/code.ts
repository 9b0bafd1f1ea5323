/** JavaScript and its documentation from widely used libraries. */
import { packagePins } from '../package-pins.ts';
import { packageOrigin, type Source } from './source.ts';

const LIBRARIES = [
  { pin: packagePins.lodash, files: /^[a-z]\w*\.js$/, licence: 'MIT' },
  { pin: packagePins.ramda, files: /^src\/\w+\.js$/, licence: 'MIT' },
  { pin: packagePins.arrays, files: /^src\/\w+\.js$/, licence: 'ISC' },
  { pin: packagePins.dates, files: /^[a-z][A-Za-z]+\.js$/, licence: 'MIT' },
];

export const javascriptLibraries: Source = {
  name: 'javascript-libraries',
  origin: LIBRARIES.map(({ pin }) => packageOrigin(pin)).join(', '),
  licence: 'MIT, ISC (d3-array)',
  kind: 'code',
  async *documents({ cache }) {
    for (const { pin, files } of LIBRARIES) {
      for await (const { name, text } of cache.texts(pin, files)) {
        // Built bundles and re-exports teach nothing.
        if (/\.min\.js|lodash\.js|core\.js|fp\./.test(name) || text.length < 300 || text.length > 30_000) continue;
        yield { text, language: 'code' };
      }
    }
  },
};
