/** ChatML: `<|im_start|>role\ncontent<|im_end|>\n` for every turn. */

/** Separates documents in pretraining. */
export const END_OF_TEXT = '<|endoftext|>';
export const START_OF_TURN = '<|im_start|>';
export const END_OF_TURN = '<|im_end|>';
export const PADDING = '<|pad|>';

/** ChatML as the Jinja template of tokenizer_config.json. */
export const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
