/**
 * Keeps a growing conversation at its newest line, gliding, until the person scrolls up; then leaves it alone
 * until they come back to the end.
 *
 * Our own movement only ever goes down, so upward movement is the person's, unless the content shrank or the
 * viewport grew and the browser had to clamp the position.
 */
import { useCallback, useEffect, useRef, useState } from 'react';

const nearEnd = 32;
/** Right after opening, heights still settle: jump instead of gliding. */
const settleMilliseconds = 600;

export interface Autoscroll {
  viewport: React.RefObject<HTMLDivElement | null>;
  content: React.RefObject<HTMLDivElement | null>;
  /** Whether the newest line is in sight and kept there. */
  following: boolean;
  toNewest: () => void;
}

export function useAutoscroll(): Autoscroll {
  const viewport = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const follower = useRef<Follower>(null);
  const [following, setFollowing] = useState(true);

  useEffect(() => {
    if (!viewport.current || !content.current) return;
    follower.current = new Follower(viewport.current, setFollowing);
    const observer = new ResizeObserver(() => follower.current?.follow());
    observer.observe(content.current);
    observer.observe(viewport.current);
    return () => {
      observer.disconnect();
      follower.current?.leave();
    };
  }, []);

  const toNewest = useCallback(() => follower.current?.toNewest(), []);
  return { viewport, content, following, toNewest };
}

class Follower {
  readonly #viewport: HTMLElement;
  readonly #onChange: (following: boolean) => void;
  readonly #listeners = new AbortController();
  readonly #openedAt = performance.now();
  #following = true;
  #touching = false;
  #frame = 0;
  #lastTop = 0;
  #lastRange = 0;

  constructor(viewport: HTMLElement, onChange: (following: boolean) => void) {
    this.#viewport = viewport;
    this.#onChange = onChange;
    const options = { passive: true, signal: this.#listeners.signal };
    viewport.addEventListener('scroll', () => this.#scrolled(), options);
    viewport.addEventListener('wheel', ({ deltaY }) => deltaY < 0 && this.#range() > 0 && this.#set(false), options);
    viewport.addEventListener('touchstart', () => this.#touch(true), options);
    viewport.addEventListener('touchend', () => this.#touch(false), options);
    viewport.addEventListener('touchcancel', () => this.#touch(false), options);
    this.follow();
  }

  leave(): void {
    this.#listeners.abort();
    cancelAnimationFrame(this.#frame);
  }

  toNewest(): void {
    this.#set(true);
    this.follow();
  }

  follow(): void {
    if (!this.#following || this.#touching || this.#frame !== 0) return;
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const opening = performance.now() - this.#openedAt < settleMilliseconds;
    if (still || opening || document.visibilityState !== 'visible') this.#viewport.scrollTop = this.#range();
    else this.#frame = requestAnimationFrame(() => this.#glide());
  }

  #glide(): void {
    this.#frame = 0;
    if (!this.#following || this.#touching) return;
    const distance = this.#range() - this.#viewport.scrollTop;
    if (distance < 1) return;
    // A quarter of the way per frame; what is further than a screen is not worth watching go by.
    const far = distance > this.#viewport.clientHeight;
    this.#viewport.scrollTop += far ? distance - this.#viewport.clientHeight / 2 : Math.ceil(distance / 4);
    this.#frame = requestAnimationFrame(() => this.#glide());
  }

  /** The largest scrollTop. */
  #range(): number {
    return this.#viewport.scrollHeight - this.#viewport.clientHeight;
  }

  #scrolled(): void {
    const top = this.#viewport.scrollTop;
    const range = this.#range();
    const clamped = range < this.#lastRange && range - top <= 1;
    if (top < this.#lastTop - 2 && !clamped) this.#set(false);
    else if (top > this.#lastTop && range - top <= nearEnd) this.#set(true);
    this.#lastTop = top;
    this.#lastRange = range;
  }

  #touch(touching: boolean): void {
    this.#touching = touching;
    if (!touching) this.follow();
  }

  #set(following: boolean): void {
    if (following === this.#following) return;
    this.#following = following;
    this.#onChange(following);
  }
}
