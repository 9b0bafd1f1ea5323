import { useSortable } from '@dnd-kit/sortable';
import { ArrowDown, ArrowUp, Equal, GripVertical } from 'lucide-react';
import { type KeyboardEvent, type Ref, useLayoutEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Markdown } from '../chat/markdown.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { classNames } from '../ui/class-names.ts';

interface RankCardProps {
  id: string;
  text: string;
  /** "A", "B" …: a name that stays while the card moves. */
  letter: string;
  rank: number | null;
  tied: boolean;
  place: number;
  count: number;
  onRank: (rank: number | null) => void;
  onMove: (place: number) => void;
  onTie: () => void;
  onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
  ref: Ref<HTMLElement>;
}

/** One answer: focus it and type its rank, drag it by its grip, or move it with the arrows. */
export function RankCard(props: RankCardProps) {
  const { id, text, letter, rank, tied, place, count, onRank, onMove, onTie, onKeyDown, ref } = props;
  const { t } = useTranslation();
  const { attributes, listeners, setNodeRef, setActivatorNodeRef, transform, transition, isDragging } = useSortable({
    id,
  });
  const name = t('rank.answer', { letter });
  return (
    <div
      ref={setNodeRef}
      style={
        transform
          ? { transform: `translate3d(${Math.round(transform.x)}px, ${Math.round(transform.y)}px, 0)`, transition }
          : undefined
      }
      className={classNames('relative', isDragging && 'z-10')}
    >
      <section
        ref={ref}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the card takes the keys that rank it
        tabIndex={0}
        aria-label={`${name}: ${rank === null ? t('rank.unranked') : t('rank.rank', { rank })}`}
        onKeyDown={onKeyDown}
        className={classNames(
          'flex h-full flex-col rounded-2xl border bg-surface outline-none transition-colors focus-visible:border-accent focus-visible:ring-3 focus-visible:ring-accent-soft',
          rank === null ? 'border-line' : 'border-line-strong',
          isDragging && 'shadow-float',
        )}
      >
        <header className="flex flex-wrap items-center gap-1 border-b border-line py-1.5 pr-2 pl-1">
          <button
            ref={setActivatorNodeRef}
            type="button"
            {...attributes}
            {...listeners}
            aria-label={t('rank.drag', { letter })}
            className="flex size-9 cursor-grab touch-none items-center justify-center rounded-lg text-muted hover:bg-hover pointer-coarse:size-11"
          >
            <GripVertical size={18} aria-hidden />
          </button>
          <h3 className="mr-1 font-medium">{name}</h3>
          {tied && <span className="text-sm text-muted">{t('rank.tied')}</span>}
          <span className="grow" />
          <IconButton
            label={t('rank.up', { letter })}
            size="small"
            disabled={place === 0}
            onClick={() => onMove(place - 1)}
          >
            <ArrowUp size={16} aria-hidden />
          </IconButton>
          <IconButton
            label={t('rank.down', { letter })}
            size="small"
            disabled={place === count - 1}
            onClick={() => onMove(place + 1)}
          >
            <ArrowDown size={16} aria-hidden />
          </IconButton>
          <IconButton
            label={t(tied ? 'rank.untie' : 'rank.tie', { letter })}
            size="small"
            aria-pressed={tied}
            disabled={place === 0}
            onClick={onTie}
          >
            <Equal size={16} aria-hidden />
          </IconButton>
        </header>
        <Folded text={text} />
        <footer className="mt-auto flex flex-wrap gap-1 border-t border-line px-3 py-2">
          {/* biome-ignore lint/a11y/useSemanticElements: a fieldset's legend would stand on a line of its own */}
          <div role="group" aria-label={t('rank.ranksOf', { letter })} className="flex flex-wrap gap-1">
            {Array.from({ length: count }, (_, index) => index + 1).map((value) => (
              <button
                key={value}
                type="button"
                aria-pressed={rank === value}
                aria-label={t('rank.give', { letter, rank: value })}
                // The keys that the card takes need not be passed one by one.
                tabIndex={-1}
                onClick={() => onRank(rank === value ? null : value)}
                className="size-8 rounded-lg border border-line text-sm tabular-nums transition-colors hover:bg-hover aria-pressed:border-accent aria-pressed:bg-accent aria-pressed:text-on-accent pointer-coarse:size-11"
              >
                {value}
              </button>
            ))}
          </div>
        </footer>
      </section>
    </div>
  );
}

/** Long answers are folded to a height at which several can be compared, and open whole. */
function Folded({ text }: { text: string }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const [long, setLong] = useState(false);
  const body = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = body.current;
    if (element && !open) setLong(element.scrollHeight > element.clientHeight + 4);
  }, [open]);
  return (
    <div className="px-4 py-3">
      <div ref={body} className={classNames(!open && 'max-h-56 overflow-hidden', long && !open && 'mask-b-from-60%')}>
        {text === '' ? (
          <p className="text-muted italic">{t('answer.empty')}</p>
        ) : (
          <Markdown text={text} headingLevel={4} />
        )}
      </div>
      {long && (
        <Button shape="quiet" className="mt-1 -ml-2" aria-expanded={open} onClick={() => setOpen(!open)}>
          {t(open ? 'chat.showLess' : 'chat.showMore')}
        </Button>
      )}
    </div>
  );
}
