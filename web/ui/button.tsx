import { Tooltip } from 'radix-ui';
import type { ComponentProps, ReactNode } from 'react';
import { classNames } from './class-names.ts';

const shapes = {
  primary: 'bg-accent text-on-accent hover:bg-accent-hover',
  outline: 'border border-line bg-surface hover:bg-hover',
  quiet: 'text-muted hover:bg-hover hover:text-ink',
  danger: 'bg-danger text-canvas hover:opacity-90',
};

interface ButtonProps extends ComponentProps<'button'> {
  shape?: keyof typeof shapes;
}

export function Button({ shape = 'outline', className, ...props }: ButtonProps) {
  return (
    <button
      type="button"
      className={classNames(
        'inline-flex min-h-9 items-center justify-center gap-2 rounded-xl px-3.5 py-1.5 text-sm font-medium break-keep transition-colors',
        'disabled:opacity-50 pointer-coarse:min-h-11',
        shapes[shape],
        className,
      )}
      {...props}
    />
  );
}

interface IconButtonProps extends ComponentProps<'button'> {
  /** What the button does: its accessible name and its tooltip. */
  label: string;
  /** 'small' sits below messages; fingers get a larger target. */
  size?: 'small' | 'normal';
  side?: 'top' | 'bottom' | 'right';
  round?: boolean;
  children: ReactNode;
}

export function IconButton(props: IconButtonProps) {
  const { label, size = 'normal', side = 'bottom', round = false, className, ...rest } = props;
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>
        <button
          type="button"
          aria-label={label}
          className={classNames(
            'inline-flex shrink-0 items-center justify-center text-muted transition-colors hover:bg-hover hover:text-ink',
            'disabled:pointer-events-none disabled:opacity-40 aria-pressed:text-accent data-[state=open]:bg-hover',
            size === 'small' ? 'size-8 pointer-coarse:size-10' : 'size-9 pointer-coarse:size-11',
            round ? 'rounded-full' : 'rounded-lg',
            className,
          )}
          {...rest}
        />
      </Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content
          side={side}
          sideOffset={6}
          className="z-50 animate-fade rounded-lg bg-ink px-2.5 py-1.5 text-xs text-canvas select-none"
        >
          {label}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
