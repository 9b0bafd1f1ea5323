/**
 * Must be the first import of the page. zod compiles object checks with `new Function` where it may, and probes
 * for that when a schema is made; the page's Content-Security-Policy forbids it and the browser would log each
 * attempt.
 */
import { config } from 'zod';

config({ jitless: true });
