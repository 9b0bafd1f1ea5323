import type { filesTexts as english } from './files.en.ts';

export const filesTexts: typeof english = {
  files: {
    list: '文件',
    add: '添加文件',
    drop: '把文件拖到这里提问',
    sending: '正在发送……',
    reading: '正在读取……',
    ready: '已就绪 · {{characters}} 个字符',
    readyCut: '已就绪 · 前 {{characters}} 个字符',
    tooLarge: '大于 {{megabytes}} MB',
    remove: '移除 {{name}}',
    announceReady: '{{name}} 已就绪。',
    announceFailed: '{{name}} 无法读取。',
    partlyRead: '模型只读了“{{name}}”的前 {{share}}：其余部分超出了它一次能读的长度。',
    pasted: '粘贴的文本',
    problem: {
      unknown_kind: '不是文本、PDF 或 Word 文件',
      no_text: '里面没有文字，可能是扫描件',
      encrypted: '有密码保护',
      damaged: '文件已损坏',
      too_large: '内容太多，无法读取',
      too_slow: '读取时间太长',
      interrupted: '服务器中途停止，请重新添加',
    },
  },
  modelPicker: {
    label: '选择其他模型',
    deployed: '默认模型',
  },
};
