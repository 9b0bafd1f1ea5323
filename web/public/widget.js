/**
 * <script src="https://YOUR-PARLEY/widget.js" data-assistant="ID" defer></script>
 *
 * Puts a round button into the corner of a page; it opens a chat with the assistant in a frame. Sets no cookie, and
 * reads nothing of the page.
 */
(() => {
  const script = document.currentScript;
  const { assistant, label } = script.dataset;
  const { origin } = new URL(script.src);
  const wordsOf = { en: 'Ask us', zh: '咨询我们' };
  const language = (document.documentElement.lang || navigator.language).startsWith('zh') ? 'zh' : 'en';

  const style = (element, styles) => Object.assign(element.style, styles);
  const corner = { position: 'fixed', right: '20px', zIndex: '2147483000' };

  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = label || wordsOf[language];
  button.setAttribute('aria-expanded', 'false');
  style(button, {
    ...corner,
    bottom: '20px',
    padding: '12px 20px',
    border: '0',
    borderRadius: '999px',
    background: '#1b6b57',
    color: '#fff',
    font: '600 15px system-ui, sans-serif',
    boxShadow: '0 8px 28px -8px rgb(0 0 0 / 0.4)',
    cursor: 'pointer',
  });

  let frame = null;
  const show = (open) => {
    if (!frame) {
      frame = document.createElement('iframe');
      frame.src = `${origin}/widget/${encodeURIComponent(assistant)}`;
      frame.title = button.textContent;
      style(frame, {
        ...corner,
        bottom: '84px',
        width: 'min(380px, calc(100vw - 40px))',
        height: 'min(560px, calc(100vh - 110px))',
        border: '1px solid rgb(0 0 0 / 0.15)',
        borderRadius: '18px',
        boxShadow: '0 12px 44px -10px rgb(0 0 0 / 0.4)',
        background: '#fbfaf7',
      });
      document.body.append(frame);
    }
    frame.style.display = open ? 'block' : 'none';
    button.setAttribute('aria-expanded', String(open));
    (open ? frame : button).focus();
  };
  button.addEventListener('click', () => show(button.getAttribute('aria-expanded') !== 'true'));
  addEventListener('message', (event) => {
    if (event.origin === origin && event.source === frame?.contentWindow && event.data === 'parley:close') show(false);
  });
  document.body.append(button);
})();
