import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const server = process.env.PARLEY_SERVER ?? 'http://localhost:3000';

export default defineConfig({
  base: '/',
  plugins: [react(), tailwindcss()],
  resolve: {
    alias: {
      // Radix locks scrolling with an injected <style>, which the page's Content-Security-Policy forbids. The
      // document itself never scrolls here, so nothing is lost by leaving the lock out.
      'react-remove-scroll': new URL('./ui/no-scroll-lock.tsx', import.meta.url).pathname,
    },
  },
  build: {
    target: 'es2023',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
    // The page itself, and the one that stands in other web sites.
    rolldownOptions: { input: { index: 'index.html', widget: 'widget.html' } },
  },
  server: { proxy: { '/api': server, '/v1': server } },
});
