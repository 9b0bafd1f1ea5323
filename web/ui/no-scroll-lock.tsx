/** Stands in for `react-remove-scroll` (see vite.config.ts): renders what it is given and locks nothing. */
import type { ElementType, ReactNode } from 'react';

interface Props {
  as?: ElementType;
  allowPinchZoom?: boolean;
  shards?: unknown[];
  enabled?: boolean;
  children?: ReactNode;
}

export function RemoveScroll({ as: Element = 'div', allowPinchZoom, shards, enabled, ...rest }: Props) {
  return <Element {...rest} />;
}
