import { PackageCache } from './packages.ts';
import { findPreset } from './presets.ts';

/**
 * Makes every package of `preset` present and verified under `home/packages`. What is there already with the
 * right hash is kept; a damaged archive is downloaded again. Throws on an unknown preset, a failed download or
 * content that differs from the pin.
 */
export async function fetchPackages(
  preset: string,
  { home, onProgress = () => {} }: { home: string; onProgress?: (message: string) => void },
): Promise<PackageCache> {
  const cache = new PackageCache(home);
  const queue = [...findPreset(preset).packages];
  const worker = async () => {
    for (let wanted = queue.shift(); wanted !== undefined; wanted = queue.shift()) {
      const intact =
        cache.has(wanted) &&
        (await cache.verify(wanted).then(
          () => true,
          () => false,
        ));
      if (!intact) {
        onProgress(`fetching ${wanted.name}@${wanted.version}`);
        await cache.download(wanted);
      }
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  return cache;
}
