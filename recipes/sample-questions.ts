/** Asked of every evaluated model, so that people see how it talks beside the figures. */
export const sampleQuestions = [
  'Hello! Who are you?',
  'What is the capital of France?',
  'What is 7 + 5?',
  'How do you spell "language"?',
  'Tell me a short story about a cat.',
  '你好，你是谁？',
  '法国的首都是哪里？',
  '三加四等于多少？',
  '“水”用英语怎么说？',
  '给我讲一个关于月亮的小故事。',
];
