/** For developers: one request to a model, with every parameter, seen token by token, and as code. */
import { useQuery } from '@tanstack/react-query';
import { Play, SlidersHorizontal, Square } from 'lucide-react';
import { type KeyboardEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { modelChoicesQuery } from '../assistants/api.ts';
import { useAnnounce } from '../ui/announcer.tsx';
import { Button } from '../ui/button.tsx';
import { Drawer } from '../ui/dialog.tsx';
import { Choice } from '../ui/field.tsx';
import { useMediaQuery } from '../ui/media-query.ts';
import { usePageTitle } from '../ui/page-title.ts';
import { CodeDrawer } from './code-drawer.tsx';
import { Parameters } from './parameters.tsx';
import { canRun, type Playground, playground, requestOf } from './playground-state.ts';
import { ConversationEditor, TextEditor } from './prompt-editor.tsx';
import { ResultPanel } from './result-panel.tsx';
import { useRun } from './use-run.ts';

export function PlaygroundPage() {
  const { t } = useTranslation();
  usePageTitle(t('playground.title'));
  const announce = useAnnounce();
  const wide = useMediaQuery('(min-width: 64rem)');
  const state = playground.use();
  const change = (part: Partial<Playground>) => playground.set({ ...playground.get(), ...part });
  const { data: models = [] } = useQuery(modelChoicesQuery);
  const { result, start, stop } = useRun();

  const model = models.find(({ id }) => id === state.model) ?? models.find(({ deployed }) => deployed) ?? models[0];
  const request = requestOf(state, model?.id ?? '');
  const running = result?.status === 'running';
  const ready = model !== undefined && canRun(state);

  async function runNow(): Promise<void> {
    const { status, text } = await start(request, state.scorePrompt);
    if (status === 'finished') announce(t('playground.finished', { text: text.slice(0, 500) }));
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && ready && !running) {
      event.preventDefault();
      void runNow();
    } else if (event.key === 'Escape' && running) {
      stop();
    }
  }

  function take(): void {
    if (!result) return;
    if (state.mode === 'completion') change({ prompt: state.scorePrompt ? result.text : state.prompt + result.text });
    else {
      const answer = { role: 'assistant', content: result.text } as const;
      change({ turns: [...state.turns, answer, { role: 'user', content: '' }] });
    }
  }

  const parameters = (
    <Parameters
      values={state.parameters}
      onChange={(values) => change({ parameters: values })}
      context={model?.context ?? 512}
    />
  );

  return (
    <div className="flex h-full">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a shortcut for what has a button */}
      <div className="min-w-0 grow overflow-y-auto" onKeyDown={onKeyDown}>
        <div className="mx-auto flex w-full max-w-3xl flex-col gap-6 px-4 pt-4 pb-20 sm:px-6">
          <header>
            <h1 className="font-serif text-3xl leading-tight tracking-tight">{t('playground.title')}</h1>
            <p className="mt-1.5 text-sm leading-relaxed text-pretty text-muted">{t('playground.about')}</p>
          </header>
          <div className="grid gap-4 sm:grid-cols-2">
            <Choice
              label={t('playground.mode')}
              value={state.mode}
              onChange={(mode) => change({ mode })}
              options={[
                { value: 'chat', label: t('playground.chat') },
                { value: 'completion', label: t('playground.completion') },
              ]}
            />
            <Choice
              label={t('playground.model')}
              value={model?.id ?? ''}
              onChange={(id) => change({ model: id })}
              options={models.map(({ id }) => ({ value: id, label: id }))}
            />
          </div>
          {state.mode === 'chat' ? (
            <ConversationEditor state={state} onChange={change} />
          ) : (
            <TextEditor state={state} onChange={change} />
          )}
          <div className="flex flex-wrap gap-2">
            {running ? (
              <Button shape="primary" aria-keyshortcuts="Escape" onClick={stop}>
                <Square size={16} aria-hidden /> {t('playground.stop')}
              </Button>
            ) : (
              <Button
                shape="primary"
                aria-keyshortcuts="Control+Enter Meta+Enter"
                disabled={!ready}
                onClick={() => void runNow()}
              >
                <Play size={16} aria-hidden /> {t('playground.run')}
              </Button>
            )}
            {!wide && <ParametersDrawer>{parameters}</ParametersDrawer>}
            <CodeDrawer request={request} />
          </div>
          {result && (
            <ResultPanel
              result={result}
              showTokens={state.showTokens}
              onShowTokens={(showTokens) => change({ showTokens })}
              takeLabel={state.mode === 'chat' ? t('playground.takeTurn') : t('playground.takeText')}
              onTake={take}
            />
          )}
        </div>
      </div>
      {wide && (
        <aside
          aria-label={t('playground.parameters')}
          className="w-80 shrink-0 overflow-y-auto border-l border-line px-5 py-5"
        >
          <h2 className="mb-4 font-serif text-xl">{t('playground.parameters')}</h2>
          {parameters}
        </aside>
      )}
    </div>
  );
}

function ParametersDrawer({ children }: { children: React.ReactNode }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <Drawer
      trigger={
        <Button>
          <SlidersHorizontal size={16} aria-hidden /> {t('playground.parameters')}
        </Button>
      }
      open={open}
      onOpenChange={setOpen}
      side="right"
      title={t('playground.parameters')}
    >
      <div className="grow overflow-y-auto px-5 py-5">{children}</div>
    </Drawer>
  );
}
