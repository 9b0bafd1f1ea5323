import { Slider as RadixSlider } from 'radix-ui';
import { useId } from 'react';

interface SliderProps {
  label: string;
  help: string;
  lowLabel: string;
  highLabel: string;
  value: number;
  min: number;
  max: number;
  step: number;
  format: (value: number) => string;
  onChange: (value: number) => void;
}

export function Slider({ label, help, lowLabel, highLabel, value, min, max, step, format, onChange }: SliderProps) {
  const id = useId();
  return (
    <div>
      <div className="flex items-baseline justify-between">
        <span id={`${id}-label`} className="font-medium">
          {label}
        </span>
        <output className="font-mono text-sm text-accent tabular-nums">{format(value)}</output>
      </div>
      <p id={`${id}-help`} className="mt-1 text-sm leading-relaxed text-muted">
        {help}
      </p>
      <RadixSlider.Root
        className="relative mt-3 flex h-6 touch-none items-center select-none"
        value={[value]}
        min={min}
        max={max}
        step={step}
        onValueChange={([next]) => next !== undefined && onChange(next)}
      >
        <RadixSlider.Track className="relative h-1.5 grow rounded-full bg-bubble">
          <RadixSlider.Range className="absolute h-full rounded-full bg-accent" />
        </RadixSlider.Track>
        <RadixSlider.Thumb
          aria-labelledby={`${id}-label`}
          aria-describedby={`${id}-help`}
          aria-valuetext={format(value)}
          className="block size-6 rounded-full border-2 border-accent bg-surface shadow-sm outline-none focus-visible:ring-2 focus-visible:ring-accent focus-visible:ring-offset-2 focus-visible:ring-offset-surface"
        />
      </RadixSlider.Root>
      <div className="mt-1 flex justify-between text-xs text-muted" aria-hidden>
        <span>{lowLabel}</span>
        <span>{highLabel}</span>
      </div>
    </div>
  );
}
