import { useEffect } from 'react';

const product = 'Parley';

/**
 * Names the page in the browser's tab and history, and to screen readers: the innermost name first.
 * @param names undefined while it is not known yet; without any the product's name stands alone
 */
export function usePageTitle(...names: (string | undefined)[]): void {
  const title = [...names.filter(Boolean), product].join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
}
