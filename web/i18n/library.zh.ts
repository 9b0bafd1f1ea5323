import type { libraryTexts as english } from './library.en.ts';

export const libraryTexts: typeof english = {
  search: {
    label: '搜索',
    clear: '清除搜索',
    nothing: '没有找到。',
    found_one: '找到 {{count}} 处',
    found_other: '找到 {{count}} 处',
    failed: '搜索失败：{{reason}}',
  },
  question: {
    edit: '编辑消息',
    editLabel: '修改后重新提问的消息',
    editHint: '原来的版本会保留在旁边。',
  },
  share: {
    action: '分享……',
    title: '分享这个对话',
    description: '任何拿到链接的人都能看到对话现在显示的内容，无需账号。之后的消息和其他版本不会公开。',
    create: '创建链接',
    links: '链接',
    line_one: '{{when}} · {{count}} 条消息',
    line_other: '{{when}} · {{count}} 条消息',
    copy: '复制链接',
    revoke: '撤销链接',
    untitled: '一个对话',
    about: '分享于{{when}}。回答由模型撰写，可能有误。',
    gone: '这个链接没有内容：它已被撤销，或从未存在。',
  },
  transfer: {
    menu: '更多',
    exportOne: '导出',
    exportAll: '导出所有对话',
    import: '导入对话……',
    imported_one: '已导入 {{count}} 个对话。',
    imported_other: '已导入 {{count}} 个对话。',
    notAnExport: '这个文件不是导出的对话。',
    failed: '导入失败：{{reason}}',
  },
  pin: {
    pin: '置顶',
    unpin: '取消置顶',
    pinned: '已置顶',
  },
};
