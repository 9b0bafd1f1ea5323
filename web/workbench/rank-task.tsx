/**
 * Ranking the answers to one prompt. Everything works by keys alone: focus a card and type its rank, and the next card
 * without one has the focus; Enter goes on to the review and, from there, hands the ranking in.
 */
import {
  type Announcements,
  closestCenter,
  DndContext,
  type DragEndEvent,
  KeyboardSensor,
  PointerSensor,
  useSensor,
  useSensors,
} from '@dnd-kit/core';
import { rectSortingStrategy, SortableContext, sortableKeyboardCoordinates } from '@dnd-kit/sortable';
import type { RankContent, Task } from '@parley/contracts';
import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useAnnounce } from '../ui/announcer.tsx';
import { Button } from '../ui/button.tsx';
import { classNames } from '../ui/class-names.ts';
import { Checkbox } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { RankCard } from './rank-card.tsx';
import {
  closedUp,
  isTied,
  isUnchanged,
  move,
  newRanking,
  type Ranking,
  setRank,
  toggleTie,
  unranked,
} from './ranking.ts';
import { CommentField, Key, type TaskFormProps, useTaskKeys, WorkBar } from './task-form.tsx';

/** Long enough to see where the card went. */
const advanceMilliseconds = 300;
/** Sideways for a few short answers, one below the other for many. */
const mostInColumns = 4;

export function initialRanking(): RankContent {
  return { kind: 'rank', ranks: {}, noneGood: false, comment: '' };
}

export function RankTask({ task, work, busy, error, onSubmit, onSkip }: TaskFormProps<RankContent>) {
  const { t } = useTranslation();
  const announce = useAnnounce();
  const shown = task.answers.map(({ id }) => id);
  const [ranking, setRanking] = useState(() => newRanking(shown, work.content.ranks));
  const [reviewing, setReviewing] = useState(false);
  const cards = useRef(new Map<string, HTMLElement>());
  const next = useRef<HTMLButtonElement>(null);
  const advance = useRef<ReturnType<typeof setTimeout>>(undefined);
  const focused = useRef<Element | null>(null);
  const { noneGood, comment } = work.content;
  const missing = unranked(ranking);
  const complete = missing.length === 0 || (noneGood && missing.length === shown.length);
  const letterOf = (id: string) => String.fromCharCode(65 + shown.indexOf(id));

  useEffect(() => {
    cards.current.get(shown[0] ?? '')?.focus();
    return () => clearTimeout(advance.current);
    // Only when the task has come.
  }, []);

  // An element that is moved on the page loses the focus.
  useLayoutEffect(() => {
    const element = focused.current;
    if (element instanceof HTMLElement && element.isConnected && document.activeElement === document.body) {
      element.focus();
    }
  }, [ranking]);

  function change(changed: Ranking): void {
    focused.current = document.activeElement;
    setRanking(changed);
    work.change({ ...work.content, ranks: { ...changed.ranks } });
  }

  function rank(id: string, value: number | null): void {
    const ranked = setRank(ranking, id, value);
    change(ranked);
    clearTimeout(advance.current);
    if (value === null) return;
    announce(t('rank.ranked', { letter: letterOf(id), rank: value }));
    const following = unranked(ranked)[0];
    const from = document.activeElement;
    advance.current = setTimeout(() => {
      // Whoever has gone elsewhere meanwhile stays there.
      if (document.activeElement !== from) return;
      if (following) cards.current.get(following)?.focus();
      else next.current?.focus();
    }, advanceMilliseconds);
  }

  function place(id: string, to: number): void {
    const moved = move(ranking, id, to);
    change(moved);
    announce(t('rank.ranked', { letter: letterOf(id), rank: moved.ranks[id] }));
  }

  function handleCardKey(event: KeyboardEvent<HTMLElement>, id: string): void {
    if (event.ctrlKey || event.metaKey || event.nativeEvent.isComposing) return;
    const at = ranking.order.indexOf(id);
    const onCard = event.target === event.currentTarget;
    const digit = /^[0-9]$/.test(event.key) ? Number(event.key) : null;
    if (digit !== null && digit <= shown.length) rank(id, digit === 0 ? null : digit);
    else if (event.key === 'Delete') rank(id, null);
    else if (event.key === '=') change(toggleTie(ranking, id));
    else if (event.altKey && event.key === 'ArrowUp') place(id, at - 1);
    else if (event.altKey && event.key === 'ArrowDown') place(id, at + 1);
    else if (onCard && (event.key === 'ArrowDown' || event.key === 'ArrowRight')) focusCard(at + 1);
    else if (onCard && (event.key === 'ArrowUp' || event.key === 'ArrowLeft')) focusCard(at - 1);
    else return;
    event.preventDefault();
  }

  function focusCard(at: number): void {
    cards.current.get(ranking.order[at] ?? '')?.focus();
  }

  function goOn(): void {
    if (reviewing) {
      onSubmit({ ...work.content, ranks: closedUp(ranking) });
    } else if (complete) {
      setReviewing(true);
    } else {
      announce(t('rank.missing', { count: missing.length }));
      cards.current.get(missing[0] ?? '')?.focus();
    }
  }

  const setNoneGood = (none: boolean) => work.change({ ...work.content, noneGood: none });
  useTaskKeys({
    Enter: goOn,
    Backspace: onSkip,
    Escape: () => setReviewing(false),
    n: () => setNoneGood(!noneGood),
  });

  const sensors = useSensors(
    useSensor(PointerSensor, { activationConstraint: { distance: 8 } }),
    useSensor(KeyboardSensor, { coordinateGetter: sortableKeyboardCoordinates }),
  );
  const placeOf = (id: string | number | undefined) => ranking.order.indexOf(String(id)) + 1;
  const announcements: Announcements = {
    onDragStart: ({ active }) => t('rank.lifted', { letter: letterOf(String(active.id)), place: placeOf(active.id) }),
    onDragOver: ({ active, over }) =>
      over ? t('rank.over', { letter: letterOf(String(active.id)), place: placeOf(over.id) }) : undefined,
    onDragEnd: ({ active, over }) =>
      over ? t('rank.dropped', { letter: letterOf(String(active.id)), place: placeOf(over.id) }) : undefined,
    onDragCancel: ({ active }) => t('rank.dragCancelled', { letter: letterOf(String(active.id)) }),
  };
  function handleDragEnd({ active, over }: DragEndEvent): void {
    if (over && active.id !== over.id) place(String(active.id), placeOf(over.id) - 1);
  }

  if (reviewing) {
    return (
      <Review
        task={task}
        ranking={ranking}
        noneGood={noneGood}
        letterOf={letterOf}
        busy={busy}
        error={error}
        onBack={() => setReviewing(false)}
        onSubmit={goOn}
      />
    );
  }

  return (
    <div className="flex flex-col gap-5">
      <DndContext
        sensors={sensors}
        collisionDetection={closestCenter}
        onDragEnd={handleDragEnd}
        accessibility={{ announcements, screenReaderInstructions: { draggable: t('rank.dragHelp') } }}
      >
        <SortableContext items={[...ranking.order]} strategy={rectSortingStrategy}>
          <div className={classNames('grid gap-4', shown.length <= mostInColumns && 'lg:grid-cols-2')}>
            {ranking.order.map((id, index) => (
              <RankCard
                key={id}
                id={id}
                ref={(element) => {
                  if (element) cards.current.set(id, element);
                  else cards.current.delete(id);
                }}
                text={task.answers.find((answer) => answer.id === id)?.content ?? ''}
                letter={letterOf(id)}
                rank={ranking.ranks[id] ?? null}
                tied={isTied(ranking, id)}
                place={index}
                count={shown.length}
                onRank={(value) => rank(id, value)}
                onMove={(to) => place(id, to)}
                onTie={() => change(toggleTie(ranking, id))}
                onKeyDown={(event) => handleCardKey(event, id)}
              />
            ))}
          </div>
        </SortableContext>
      </DndContext>
      <Checkbox
        label={t('rank.noneGood')}
        help={
          <>
            {t('rank.noneGoodHelp')} <Key of="N" />
          </>
        }
        checked={noneGood}
        onChange={setNoneGood}
      />
      <CommentField value={comment} onChange={(text) => work.change({ ...work.content, comment: text })} />
      <p className="text-sm leading-relaxed text-muted max-sm:hidden">{t('rank.keys', { count: shown.length })}</p>
      <WorkBar work={work} onSkip={onSkip} busy={busy} error={error}>
        <Button ref={next} shape="primary" aria-disabled={!complete} onClick={goOn}>
          {t('work.review')} <Key of="↵" />
        </Button>
      </WorkBar>
    </div>
  );
}

interface ReviewProps {
  task: Task;
  ranking: Ranking;
  noneGood: boolean;
  letterOf: (id: string) => string;
  busy: boolean;
  error: Error | null;
  onBack: () => void;
  onSubmit: () => void;
}

/** The ranking as it will be handed in, best first. */
function Review({ task, ranking, noneGood, letterOf, busy, error, onBack, onSubmit }: ReviewProps) {
  const { t } = useTranslation();
  const ranks = closedUp(ranking);
  const unchanged = isUnchanged(
    ranking,
    task.answers.map(({ id }) => id),
  );
  const submit = useRef<HTMLButtonElement>(null);
  useEffect(() => submit.current?.focus(), []);
  return (
    <section aria-label={t('work.reviewTitle')} className="flex flex-col gap-5">
      <h2 className="font-serif text-xl">{t('work.reviewTitle')}</h2>
      {unchanged && <Notice tone="warning">{t('rank.unchanged')}</Notice>}
      {noneGood && <Notice tone="info">{t('rank.noneGoodReview')}</Notice>}
      <ol className="flex flex-col gap-2">
        {ranking.order.map((id) => (
          <li key={id} className="flex gap-3 rounded-xl border border-line bg-surface px-4 py-3">
            <span className="font-serif text-2xl text-accent tabular-nums">{ranks[id] ?? '–'}</span>
            <div className="min-w-0">
              <p className="text-sm text-muted">
                {t('rank.answer', { letter: letterOf(id) })} {isTied(ranking, id) && t('rank.tied')}
              </p>
              <p className="line-clamp-2 wrap-anywhere">{task.answers.find((answer) => answer.id === id)?.content}</p>
            </div>
          </li>
        ))}
      </ol>
      <div className="flex flex-wrap items-center gap-2">
        <Button shape="quiet" onClick={onBack}>
          {t('work.back')} <Key of="Esc" />
        </Button>
        <span className="grow" />
        <Button ref={submit} shape="primary" disabled={busy} onClick={onSubmit}>
          {t('work.submit')} <Key of="↵" />
        </Button>
      </div>
      {error && <Notice tone="danger">{t('work.failed', { reason: error.message })}</Notice>}
    </section>
  );
}
