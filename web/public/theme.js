// Runs before the first paint, so that a dark page never flashes light. ui/theme.ts does the same afterwards.
(() => {
  const choice = localStorage.getItem('parley.theme');
  const dark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
