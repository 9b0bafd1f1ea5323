/**
 * Runs in every page that the browser of page-checks.ts opens, and tells it what is there: `pageFacts` has plain
 * functions whose results can be sent. A file of its own, because what a test sends into a page is not type-checked.
 */
globalThis.pageFacts = (() => {
  const focusable = 'a[href], button:enabled, input:enabled, select:enabled, textarea:enabled, summary, [tabindex="0"]';

  /** How each element that can have the focus looks without it. */
  let looks = new Map();
  let reached = new Set();

  /** What changes with the focus is there when the next frame is. */
  const drawn = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));

  /** What shows a focus; a field may show its own at the frame around it. */
  function lookOf(element) {
    return [element, element.parentElement, element.parentElement?.parentElement, element.closest('form')]
      .flatMap((one) => (one ? [getComputedStyle(one)] : []))
      .map((style) => [style.outline, style.boxShadow, style.borderColor, style.backgroundColor].join())
      .join('; ');
  }

  function nameOf(element) {
    const words = element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? element.textContent;
    return `${element.tagName.toLowerCase()} “${(words ?? '').trim().slice(0, 60)}”`;
  }

  /** Radio buttons of a group are one stop, and so is a group that the arrow keys move in. */
  function sameStop(one, other) {
    return one.type === 'radio' && other.type === 'radio' && one.name === other.name;
  }

  return {
    outline() {
      return {
        headings: [...document.querySelectorAll('h1')].map((heading) => heading.textContent),
        title: document.title,
        language: document.documentElement.lang,
        sideways: document.documentElement.scrollWidth - innerWidth,
      };
    },

    /** How tall a window shows all of the page: what scrolls in it is as tall as its content. */
    wholeHeight() {
      const hidden = [...document.querySelectorAll('main, main *, [role="dialog"] *')]
        .filter((element) => getComputedStyle(element).overflowY === 'auto')
        .map((element) => element.scrollHeight - element.clientHeight);
      return innerHeight + Math.max(0, ...hidden, document.documentElement.scrollHeight - innerHeight);
    },

    /** Every text of the page's own that is shown, said to screen readers or offered as a placeholder. */
    texts() {
      const texts = [];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        // What models, people and runs have written is in whichever language they wrote.
        const written = walker.currentNode.parentElement.closest('.markdown, [role="log"], pre, code, textarea');
        if (!written) texts.push(walker.currentNode.textContent);
      }
      for (const element of document.querySelectorAll('[aria-label], [placeholder], [title]')) {
        for (const name of ['aria-label', 'placeholder', 'title']) texts.push(element.getAttribute(name) ?? '');
      }
      return [...new Set(texts.map((text) => text.trim()))].filter((text) => text !== '');
    },

    /** Targets that a finger would miss: smaller than 24 px either way, and not within a text (WCAG 2.5.8). */
    smallTargets() {
      return [...document.querySelectorAll(focusable)]
        .filter((element) => element.checkVisibility({ visibilityProperty: true }))
        .filter((element) => !element.closest('p, dd, blockquote, [role="listbox"]'))
        .flatMap((element) => {
          // Its label is a part of a field.
          const boxes = [element, ...(element.labels ?? [])].map((one) => one.getBoundingClientRect());
          const [width, height] = [
            Math.max(...boxes.map((box) => box.width)),
            Math.max(...boxes.map((box) => box.height)),
          ];
          const shown = boxes.some((box) => box.width > 1 && box.height > 1);
          return shown && (width < 24 || height < 24) ? [`${nameOf(element)}: ${width} x ${height}`] : [];
        });
    },

    /** Notes what can have the focus, and takes it from whatever has it. Gives their number. */
    async watchFocus() {
      document.activeElement?.blur();
      await drawn();
      // A panel that has opened keeps the focus, also where the page behind it can be read.
      const stage = document.querySelector('[role="dialog"], [role="alertdialog"]') ?? document;
      const elements = [...stage.querySelectorAll(focusable)].filter(
        (element) =>
          element.checkVisibility({ visibilityProperty: true }) &&
          element.getAttribute('tabindex') !== '-1' &&
          // Behind an open dialog nothing can be reached, and what keeps the focus in it is nothing to use.
          !element.closest('[inert], [aria-hidden="true"]') &&
          !element.matches('[data-radix-focus-guard]'),
      );
      looks = new Map(elements.map((element) => [element, lookOf(element)]));
      reached = new Set();
      return elements.length;
    },

    /** What has the focus now: null if it has been there before. */
    async noteFocus() {
      await drawn();
      const element = document.activeElement;
      if (!element || reached.has(element)) return null;
      reached.add(element);
      const known = looks.get(element);
      return { name: nameOf(element), visible: known === undefined || known !== lookOf(element) };
    },

    /** What never had the focus. */
    missedByFocus() {
      return [...looks.keys()]
        .filter((element) => element.isConnected && !reached.has(element))
        .filter((element) => ![...reached].some((other) => sameStop(element, other)))
        .map(nameOf);
    },
  };
})();
