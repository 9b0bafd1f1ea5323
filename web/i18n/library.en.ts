/** Texts for finding, changing and passing on conversations. */
export const libraryTexts = {
  search: {
    label: 'Search',
    clear: 'Clear the search',
    nothing: 'Nothing was found.',
    found_one: 'Found in {{count}} place',
    found_other: 'Found in {{count}} places',
    failed: 'The search failed: {{reason}}',
  },
  question: {
    edit: 'Edit the message',
    editLabel: 'Your message, to be asked anew',
    editHint: 'The earlier version stays beside it.',
  },
  share: {
    action: 'Share …',
    title: 'Share this conversation',
    description:
      'Whoever has the link can read what the conversation shows now, without an account. Later messages and other versions stay private.',
    create: 'Create a link',
    links: 'Links',
    line_one: '{{when}} · {{count}} message',
    line_other: '{{when}} · {{count}} messages',
    copy: 'Copy the link',
    revoke: 'Revoke the link',
    untitled: 'A conversation',
    about: 'Shared on {{when}}. The answers were written by a model and can be wrong.',
    gone: 'This link shows nothing: it was revoked, or it never was.',
  },
  transfer: {
    menu: 'More',
    exportOne: 'Export',
    exportAll: 'Export all conversations',
    import: 'Import conversations …',
    imported_one: '{{count}} conversation was imported.',
    imported_other: '{{count}} conversations were imported.',
    notAnExport: 'This file is not an export of conversations.',
    failed: 'The import failed: {{reason}}',
  },
  pin: {
    pin: 'Pin',
    unpin: 'Unpin',
    pinned: 'Pinned',
  },
};
