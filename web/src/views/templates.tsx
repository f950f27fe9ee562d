// SPDX-License-Identifier: MIT
// Templates: jobs that somebody keeps or shares. The address holds the filters, and the job that is to become one.
import { useEffect, useState } from 'preact/hooks';
import { addTemplate, getAccount, getConfig, getTemplate, listTemplates, removeTemplate, type Template, type Visibility } from '../api.ts';
import { Confirm } from '../components/confirm.tsx';
import { Field } from '../components/field.tsx';
import { Chip, Search } from '../components/filter.tsx';
import { Loaded } from '../components/loaded.tsx';
import { Ago } from '../components/time.tsx';
import { useLive } from '../components/use-live.ts';
import { go, jobHref, route, submitHref, templateHref, templatesHref } from '../router.ts';
import { notify, session, site } from '../store.ts';
import { t } from '../words.ts';

const SHARING: readonly Visibility[] = ['private', 'group', 'public'];
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/;

function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · ${site.value.name}`;
  }, [title, site.value.name]);
}

export function Templates() {
  const query = route.value.query;
  const [q, owner, from] = [query.get('q') ?? '', query.get('user') ?? '', query.get('from')];
  const live = useLive(listTemplates, '', (change) => change.kind === 'reset');
  useTitle(t('nav.templates'));
  const me = session.value?.user ?? '';
  const fits = (one: Template): boolean =>
    (owner !== '@me' || one.owner === me) && `${one.name} ${one.title} ${one.description} ${one.owner}`.toLowerCase().includes(q.toLowerCase());
  const chip = (word: string, user: string) => (
    <Chip href={templatesHref({ q, user, from })} on={owner === user}>
      {word}
    </Chip>
  );
  return (
    <div class="templates">
      <div class="headline">
        <h1>{t('nav.templates')}</h1>
      </div>
      <p class="hint">{t('templates.what')}</p>
      {from && <Share key={from} job={from} taken={live.data.value ?? []} onDone={() => void live.refresh()} />}
      <search class="filters" aria-label={t('jobs.filters')}>
        <Search word={t('templates.search')} value={q} href={(text) => templatesHref({ q: text, user: owner, from })} />
        <span class="chips" role="group" aria-label={t('templates.whose')}>
          {chip(t('jobs.everyone'), '')}
          {chip(t('jobs.mine'), '@me')}
        </span>
      </search>
      <Loaded live={live}>{(all) => <List list={all.filter(fits)} none={all.length === 0} />}</Loaded>
    </div>
  );
}

const sharedWith = ({ visibility, group }: Template): string => t(`templates.${visibility}`, { group: group ?? '' });

function List({ list, none }: { list: readonly Template[]; none: boolean }) {
  if (list.length === 0) {
    return (
      <div class="empty">
        <p>{t(none ? 'templates.none' : 'templates.noMatch')}</p>
        {none && <p>{t('templates.none.how')}</p>}
      </div>
    );
  }
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t('nav.templates')}>
      <table class="list wrap">
        <thead>
          <tr>
            <th scope="col">{t('column.name')}</th>
            <th scope="col">{t('templates.about')}</th>
            <th scope="col">{t('templates.owner')}</th>
            <th scope="col">{t('templates.shared')}</th>
            <th scope="col">{t('templates.changed')}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {list.map((one) => (
            <tr key={one.name} data-template={one.name}>
              <th scope="row">
                <a href={templateHref(one.name)}>{one.title}</a>
              </th>
              <td class="message">{one.description.split('\n')[0]}</td>
              <td>{one.owner}</td>
              <td>{sharedWith(one)}</td>
              <td>
                <Ago at={one.updatedTime} />
              </td>
              <td class="act">
                <a href={submitHref({ template: one.name })} aria-label={t('templates.try.which', { name: one.title })}>
                  {t('templates.try')}
                </a>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Makes a template of a job; the server masks what is secret in it. */
function Share({ job, taken, onDone }: { job: string; taken: readonly Template[]; onDone: () => void }) {
  const [name, setName] = useState(job.split('~')[1] ?? '');
  const [title, setTitle] = useState('');
  const [description, setDescription] = useState('');
  const [visibility, setVisibility] = useState<Visibility>('private');
  const [group, setGroup] = useState('');
  const [problem, setProblem] = useState('');
  const account = useLive(() => getAccount(session.value?.user ?? ''), '', () => false);
  const groups = account.data.value?.grouplist ?? [];
  const wrong = !NAME.test(name) ? t('templates.badName') : taken.some((one) => one.name === name) ? t('templates.taken') : '';
  const share = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (wrong !== '') return;
    try {
      const config = await getConfig(job);
      const of = visibility === 'group' ? { group: group || (groups[0] ?? '') } : {};
      await addTemplate({ name, title: title || name, description, visibility, config, ...of });
      notify(t('templates.done', { name }));
      onDone();
      go(templateHref(name));
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <form class="form" aria-labelledby="share-title" onSubmit={(event) => void share(event)}>
      <h2 id="share-title">
        {t('templates.share')} <a href={jobHref(job)}>{job}</a>
      </h2>
      <Field id="template-name" label={t('column.name')} problem={wrong}>
        {(aria) => <input {...aria} value={name} onInput={({ currentTarget: { value } }) => setName(value)} />}
      </Field>
      <Field id="template-title" label={t('templates.title')}>
        {(aria) => <input {...aria} maxLength={128} placeholder={name} value={title} onInput={({ currentTarget: { value } }) => setTitle(value)} />}
      </Field>
      <Field id="template-about" label={t('templates.about')}>
        {(aria) => <textarea {...aria} rows={3} maxLength={4096} value={description} onInput={({ currentTarget: { value } }) => setDescription(value)} />}
      </Field>
      <Field id="template-shared" label={t('templates.shared')}>
        {(aria) => (
          <select {...aria} value={visibility} onChange={({ currentTarget: { value } }) => setVisibility(value as Visibility)}>
            {SHARING.filter((one) => one !== 'group' || groups.length > 0).map((one) => (
              <option key={one} value={one}>
                {t(`templates.${one}`, { group: t('templates.aGroup') })}
              </option>
            ))}
          </select>
        )}
      </Field>
      {visibility === 'group' && (
        <Field id="template-group" label={t('templates.group')}>
          {(aria) => (
            <select {...aria} value={group || groups[0]} onChange={({ currentTarget: { value } }) => setGroup(value)}>
              {groups.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          )}
        </Field>
      )}
      <p class="problem" role="alert">
        {problem}
      </p>
      <button type="submit" class="primary" disabled={wrong !== ''}>
        {t('templates.make')}
      </button>
    </form>
  );
}

/** `template` is its name. */
export function TemplatePage({ template }: { template: string }) {
  const live = useLive(() => getTemplate(template), template, () => false);
  const [removing, setRemoving] = useState(false);
  useTitle(template);
  const me = session.value;
  const answered = async (yes: boolean): Promise<void> => {
    setRemoving(false);
    if (!yes) return;
    try {
      await removeTemplate(template);
      notify(t('templates.removed', { name: template }));
      go(templatesHref());
    } catch (error) {
      notify((error as Error).message, true);
    }
  };
  return (
    <article class="templates">
      <Loaded live={live}>
        {(one) => (
          <>
            <div class="headline">
              <h1>{one.title}</h1>
              <a class="button primary" href={submitHref({ template: one.name })}>
                {t('templates.try')}
              </a>
              {(me?.admin || me?.user === one.owner) && (
                <button type="button" class="danger" onClick={() => setRemoving(true)}>
                  {t('templates.remove')}
                </button>
              )}
            </div>
            <p class="dim">
              {one.name} · {one.owner} · {sharedWith(one)} · <Ago at={one.updatedTime} />
            </p>
            {one.description && <p class="about">{one.description}</p>}
            <pre class="config" tabIndex={0} role="region" aria-label={t('config.region')}>
              {one.config}
            </pre>
          </>
        )}
      </Loaded>
      {removing && (
        <Confirm title={t('templates.remove.title', { name: template })} yes={t('templates.remove')} onClose={(yes) => void answered(yes)}>
          <p>{t('templates.remove.what')}</p>
        </Confirm>
      )}
    </article>
  );
}
