// SPDX-License-Identifier: MIT
// Writing a job: a form and its text side by side. The text is the truth; the form changes it in place. The server is
// asked while one writes, and says what is wrong and where, or what would become of the job. What is written survives a
// reload, without its secrets.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ApiError, type DryRun, getAccount, getConfig, getSkus, getTemplate, getVirtualClusters, listStorages, submitJob, tryJob } from '../api.ts';
import { type Draft } from '../components/bound.tsx';
import { Confirm } from '../components/confirm.tsx';
import { type Cluster, SubmitForm } from '../components/submit-form.tsx';
import { useLive } from '../components/use-live.ts';
import { WhyWaits } from '../components/why-waits.tsx';
import { showLine, YamlArea } from '../components/yaml-area.tsx';
import { EXAMPLE, lineOf, newLines, nextName, textAt, withoutSecrets } from '../job-text.ts';
import { go, jobHref, route, submitHref, templateHref, templatesHref } from '../router.ts';
import { dropDraft, keepDraft, keptDraft, notify, session, site } from '../store.ts';
import { t } from '../words.ts';
import { parseYaml, type Value, valueOf, YamlError } from '../yaml.ts';
import { setIn } from '../yaml-edit.ts';

const QUIET_MS = 400;
/** After an answer that says nothing of the job: the server is away, or busy. */
const AGAIN_MS = 5000;
const passes = ({ status }: ApiError): boolean => status === 0 || status === 429 || status >= 500;
const NOTHING: Cluster = { vcs: {}, mine: null, skus: {}, storages: [] };

interface Source {
  text: string;
  /** What was copied; null: nothing. */
  base: string | null;
}

/** A copy has a name of its own. */
function copyOf(config: string): Source {
  try {
    const name = textAt(valueOf(parseYaml(config)), ['name']);
    return { text: name === '' ? config : setIn(config, ['name'], nextName(name)), base: config };
  } catch {
    return { text: config, base: config };
  }
}

async function readSource(origin: string, from: string | null, template: string | null): Promise<Source> {
  const kept = keptDraft(origin);
  if (kept) return kept;
  if (from) return copyOf(await getConfig(from));
  if (template) return { text: (await getTemplate(template)).config ?? '', base: null };
  return { text: EXAMPLE, base: null };
}

async function readCluster(): Promise<Cluster> {
  const me = session.value;
  const [vcs, skus, storages, account] = await Promise.all([
    getVirtualClusters(),
    getSkus(),
    listStorages(),
    me ? getAccount(me.user) : null,
  ]);
  return { vcs, skus, storages, mine: me?.admin ? null : (account?.virtualCluster ?? []) };
}

export function Submit() {
  const query = route.value.query;
  const [from, template] = [query.get('from'), query.get('template')];
  const origin = from ? `job ${from}` : template ? `template ${template}` : '';
  const [source, setSource] = useState<Source | null>(null);
  const [error, setError] = useState('');
  useEffect(() => {
    document.title = `${t('submit.title')} · ${site.value.name}`;
    setSource(null);
    setError('');
    readSource(origin, from, template).then(setSource, (cause: Error) => setError(cause.message));
  }, [origin]);
  if (error) {
    return (
      <div class="empty">
        <h1>{t('submit.noSource')}</h1>
        <p role="alert">{error}</p>
        <p>
          <a href={submitHref()}>{t('submit.blank')}</a>
        </p>
      </div>
    );
  }
  if (!source) return <p class="loading">{t('app.loading')}</p>;
  return <Writing key={origin} source={source} origin={origin} from={from} template={template} />;
}

interface WritingProps {
  source: Source;
  origin: string;
  from: string | null;
  template: string | null;
}

interface Verdict {
  /** Of which text. */
  text: string;
  answer?: DryRun;
  problem?: ApiError;
}

/** Asks the server about the text once nobody types any more; an answer that is overtaken is dropped. */
function useVerdict(text: string): Verdict | null {
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    const ask = async (): Promise<void> => {
      try {
        setVerdict({ text, answer: await tryJob(text, stop.signal) });
      } catch (cause) {
        if (stop.signal.aborted) return;
        setVerdict({ text, problem: cause as ApiError });
        if (passes(cause as ApiError)) timer = setTimeout(() => void ask(), AGAIN_MS);
      }
    };
    let timer = setTimeout(() => void ask(), QUIET_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text]);
  return verdict;
}

function read(text: string): { job: Value | null; problem: YamlError | null } {
  try {
    return { job: valueOf(parseYaml(text)), problem: null };
  } catch (cause) {
    return { job: null, problem: cause as YamlError };
  }
}

function Writing({ source, origin, from, template }: WritingProps) {
  const [text, setText] = useState(source.text);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<ApiError | null>(null);
  const [leaving, setLeaving] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const cluster = useLive(readCluster, '', () => true);
  const verdict = useVerdict(text);
  const parsed = useMemo(() => read(text), [text]);
  const base = useMemo(() => (source.base === null ? null : read(source.base).job), [source.base]);
  const changed = useMemo(() => (source.base === null ? new Set<number>() : newLines(source.base, text)), [source.base, text]);

  const change = (next: string): void => {
    setText(next);
    setRefused(null);
    const safe = withoutSecrets(next);
    if (safe !== null) keepDraft(origin, { text: safe, base: source.base });
  };

  const fresh = verdict?.text === text ? verdict : null;
  const problem = refused ?? fresh?.problem ?? null;
  const place = problem?.place ?? null;
  const line = place?.line ?? (place?.pointer ? lineOf(text, place.pointer) : null);

  const submit = async (): Promise<void> => {
    setBusy(true);
    try {
      const { name, warning } = await submitJob(text);
      dropDraft(origin);
      notify(t('submit.done', { job: name }));
      if (warning) notify(warning, true);
      go(jobHref(name));
    } catch (cause) {
      setRefused(cause as ApiError);
      setBusy(false);
    }
  };

  const save = (): void => {
    const url = URL.createObjectURL(new Blob([text], { type: 'text/yaml' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = `${parsed.job ? textAt(parsed.job, ['name']) || 'job' : 'job'}.yaml`;
    link.click();
    URL.revokeObjectURL(url);
  };

  const draft: Draft | null =
    parsed.job !== null ? { text, job: parsed.job, base, problem: problem && place ? { message: problem.message, place } : null, change } : null;
  return (
    <div class="submit">
      <div class="headline">
        <h1>{t('submit.title')}</h1>
        {from && (
          <span>
            {t('submit.copyOf')} <a href={jobHref(from)}>{from}</a>
          </span>
        )}
        {template && (
          <span>
            {t('submit.fromTemplate')} <a href={templateHref(template)}>{template}</a>
          </span>
        )}
        <span class="actions">
          <a href={templatesHref()}>{t('nav.templates')}</a>
          <button type="button" onClick={() => file.current?.click()}>
            {t('submit.import')}
          </button>
          <input
            ref={file}
            type="file"
            hidden
            accept=".yaml,.yml,.json,text/yaml"
            aria-label={t('submit.import')}
            onChange={({ currentTarget }) => {
              void currentTarget.files?.[0]?.text().then(change);
              currentTarget.value = '';
            }}
          />
          <button type="button" onClick={save}>
            {t('submit.export')}
          </button>
          <button type="button" onClick={() => setLeaving(true)}>
            {t('submit.reset')}
          </button>
          <button type="button" class="primary" disabled={busy || (fresh?.problem !== undefined && !passes(fresh.problem))} onClick={() => void submit()}>
            {busy ? t('submit.busy') : t('submit.do')}
          </button>
        </span>
      </div>
      <div class="verdict" id="submit-verdict" role="status">
        {problem ? (
          <p class="problem">
            {problem.message}{' '}
            {line !== null && (
              <button type="button" onClick={() => showLine(line)}>
                {t('submit.line', { line })}
              </button>
            )}
          </p>
        ) : fresh?.answer ? (
          <Foretold answer={fresh.answer} />
        ) : (
          <p class="dim">{t('submit.checking')}</p>
        )}
      </div>
      <div class="sides">
        {draft ? (
          <SubmitForm draft={draft} cluster={cluster.data.value ?? NOTHING} />
        ) : (
          <p class="no-form">
            {t('submit.noForm', { line: parsed.problem?.line ?? 1, reason: parsed.problem?.message ?? '' })}
          </p>
        )}
        <YamlArea text={text} changed={changed} wrong={line} onChange={change} />
      </div>
      {leaving && (
        <Confirm
          title={t('submit.reset.title')}
          yes={t('submit.reset')}
          onClose={(yes) => {
            setLeaving(false);
            if (!yes) return;
            dropDraft(origin);
            if (origin === '') change(EXAMPLE);
            else go(submitHref());
          }}
        >
          <p>{t('submit.reset.what')}</p>
        </Confirm>
      )}
    </div>
  );
}

function Foretold({ answer }: { answer: DryRun }) {
  const { would, warning } = answer;
  if (would?.reason === 'starts') {
    return (
      <p class="state-succeeded">
        <span class="glyph" aria-hidden="true">
          ✔︎
        </span>{' '}
        {t('submit.starts')} {warning}
      </p>
    );
  }
  return (
    <>
      <p class="state-waiting">
        <span class="glyph" aria-hidden="true">
          ◔
        </span>{' '}
        {t('submit.waits')} {warning ?? ''}
      </p>
      {would && <WhyWaits answer={would} />}
    </>
  );
}
