/** Texts for files to ask about, and for choosing a model. */
export const filesTexts = {
  files: {
    list: 'Files',
    add: 'Add files',
    drop: 'Drop files here to ask about them',
    sending: 'Sending …',
    reading: 'Reading …',
    ready: 'Ready · {{characters}} characters',
    readyCut: 'Ready · the first {{characters}} characters of it',
    tooLarge: 'Larger than {{megabytes}} MB',
    remove: 'Remove {{name}}',
    announceReady: '{{name}} is ready.',
    announceFailed: '{{name}} could not be read.',
    partlyRead:
      'Of “{{name}}” the model could take in the first {{share}}: the rest is longer than it can read at once.',
    pasted: 'Pasted text',
    problem: {
      unknown_kind: 'Not a text, PDF or Word file',
      no_text: 'No text in it; perhaps it was scanned',
      encrypted: 'Protected by a password',
      damaged: 'Damaged',
      too_large: 'Too much in it to be read',
      too_slow: 'Takes too long to be read',
      interrupted: 'The server stopped in between. Add it again',
    },
  },
  modelPicker: {
    label: 'Choose another model',
    deployed: 'The usual one',
  },
};
