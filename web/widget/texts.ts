/** The widget's own few texts: it must be small, so it does not bring those of the whole page. */
const en = {
  label: 'Your question',
  placeholder: 'Ask something',
  send: 'Send',
  stop: 'Stop',
  close: 'Close',
  hint: 'Answered by a small model; it can be wrong. Nothing that you write is kept.',
  you: 'You said:',
  answer: 'Answer:',
  thinking: 'An answer is being written …',
  empty: 'The answer is empty.',
  passages: 'Found in the documents:',
  refused: 'A filter did not let this question through.',
  tooMany: 'That were many questions. Please wait a few minutes.',
  failed: 'The answer could not be fetched. Please try again.',
  missing: 'This assistant is not available here.',
};

const zh: typeof en = {
  label: '你的问题',
  placeholder: '想问点什么',
  send: '发送',
  stop: '停止',
  close: '关闭',
  hint: '由小模型回答，可能出错。你写的内容不会被保存。',
  you: '你说：',
  answer: '回答：',
  thinking: '正在回答……',
  empty: '回答是空的。',
  passages: '在文档中找到：',
  refused: '过滤器没有放行这个问题。',
  tooMany: '提问太多了，请过几分钟再试。',
  failed: '没能取得回答，请重试。',
  missing: '这个助手在此不可用。',
};

export const language = navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
export const texts = { en, zh }[language];
