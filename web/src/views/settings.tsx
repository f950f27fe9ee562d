// SPDX-License-Identifier: MIT
// The site's settings: its name, logo, menu entries and links, which open pages show at once; and what is done about GPUs
// that are held and not used; and the site's webhooks.
import '../styles/admin.css';
import '../styles/notices.css';
import { useEffect, useState } from 'preact/hooks';
import { ta } from '../admin-words.ts';
import { getSettings, type Settings as Site, type SiteLink } from '../api.ts';
import { getVcs, putSettings, type VirtualCluster } from '../api-admin.ts';
import { Field } from '../components/field.tsx';
import { HelpWord } from '../components/help-word.tsx';
import { Loaded } from '../components/loaded.tsx';
import { Webhooks } from '../components/webhooks.tsx';
import { useLive } from '../components/use-live.ts';
import { tn } from '../notice-words.ts';
import { duration } from '../format.ts';
import { pageHref } from '../router.ts';
import { notify, session, site } from '../store.ts';
import { t } from '../words.ts';

/** As much as the server takes, as base64. */
const LOGO_BYTES_MAX = 48_000;
const LINKS_MAX = 20;

export function Settings() {
  const live = useLive(getSettings, '', (change) => change.kind === 'settings');
  useEffect(() => {
    document.title = `${t('nav.settings')} · ${site.value.name}`;
  }, [site.value.name]);
  if (!session.value?.admin) return <p class="empty">{ta('adminsOnly')}</p>;
  return (
    <div class="settings">
      <div class="headline">
        <h1>{t('nav.settings')}</h1>
      </div>
      <Loaded live={live}>{(settings) => <Form key={JSON.stringify(settings)} settings={settings} />}</Loaded>
      <Idle />
      <section class="one notices-of" aria-labelledby="webhooks-title">
        <h2 id="webhooks-title">{tn('webhooks.site.title')}</h2>
        <Webhooks whose="site" />
      </section>
    </div>
  );
}

function Form({ settings }: { settings: Site }) {
  const [draft, setDraft] = useState<Site>(settings);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const changed = JSON.stringify(draft) !== JSON.stringify(settings);
  const set = (part: Partial<Site>): void => setDraft({ ...draft, ...part });

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    try {
      await putSettings(draft);
      notify(ta('settings.done'));
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  const readLogo = (file: File | undefined): void => {
    if (!file) return;
    if (file.size > LOGO_BYTES_MAX) return setProblem(ta('settings.logo.tooLarge'));
    const reader = new FileReader();
    reader.onload = () => set({ logo: String(reader.result) });
    reader.readAsDataURL(file);
  };
  return (
    <form class="form wide" onSubmit={(event) => void submit(event)} aria-label={t('nav.settings')}>
      <div class="grid">
        <Field id="site-name" label={ta('settings.name')}>
          {(aria) => <input {...aria} type="text" value={draft.name} onInput={(event) => set({ name: event.currentTarget.value })} />}
        </Field>
        <Field id="site-logo" label={ta('settings.logo')} hint={ta('settings.logo.hint')}>
          {(aria) => <input {...aria} type="file" accept="image/png,image/jpeg,image/webp,image/svg+xml" onChange={(event) => readLogo(event.currentTarget.files?.[0])} />}
        </Field>
      </div>
      {draft.logo && (
        <p class="logo">
          <img src={draft.logo} alt={ta('settings.logo')} />{' '}
          <button type="button" onClick={() => set({ logo: null })}>
            {ta('settings.logo.drop')}
          </button>
        </p>
      )}
      <LinkList legend={ta('settings.menu')} hint={ta('settings.menu.hint')} links={draft.menu} onChange={(menu) => set({ menu })} />
      <LinkList legend={ta('settings.links')} hint={ta('settings.links.hint')} links={draft.links} onChange={(links) => set({ links })} />
      <p class="problem" role="alert">
        {problem}
      </p>
      <p class="answers">
        <button type="submit" class="primary" disabled={busy || !changed}>
          {ta('settings.apply')}
        </button>
        <button type="button" disabled={!changed} onClick={() => setDraft(settings)}>
          {ta('vcs.reset')}
        </button>
      </p>
    </form>
  );
}

interface LinkListProps {
  legend: string;
  hint: string;
  links: readonly SiteLink[];
  onChange: (links: SiteLink[]) => void;
}

function LinkList({ legend, hint, links, onChange }: LinkListProps) {
  const set = (at: number, part: Partial<SiteLink>): void => onChange(links.map((link, i) => (i === at ? { ...link, ...part } : link)));
  const up = (at: number): void => onChange(links.map((link, i) => (i === at - 1 ? (links[at] as SiteLink) : i === at ? (links[at - 1] as SiteLink) : link)));
  return (
    <fieldset>
      <legend>{legend}</legend>
      <p class="hint">{hint}</p>
      {links.map((link, at) => (
        <div class="row" key={at} role="group" aria-label={`${legend} ${at + 1}`}>
          <label>
            {ta('settings.title')}
            <input type="text" value={link.title} onInput={(event) => set(at, { title: event.currentTarget.value })} />
          </label>
          <label>
            {ta('settings.url')}
            <input type="url" size={36} placeholder="https://" value={link.url} onInput={(event) => set(at, { url: event.currentTarget.value })} />
          </label>
          <button type="button" disabled={at === 0} aria-label={ta('settings.up', { title: link.title || String(at + 1) })} onClick={() => up(at)}>
            ↑
          </button>
          <button type="button" aria-label={ta('settings.drop', { title: link.title || String(at + 1) })} onClick={() => onChange(links.filter((_, i) => i !== at))}>
            {ta('drop')}
          </button>
        </div>
      ))}
      {links.length < LINKS_MAX && (
        <p>
          <button type="button" onClick={() => onChange([...links, { title: '', url: '' }])}>
            {ta('settings.add')}
          </button>
        </p>
      )}
    </fieldset>
  );
}

// ---- GPUs that are held and not used ----

interface Rule {
  rule?: string;
  of?: string;
  after?: number;
  action?: string;
}

interface Policy {
  dryRun?: boolean;
  rules?: Rule[];
}

function Idle() {
  const live = useLive(getVcs, '', (change) => change.kind === 'reset');
  return (
    <section class="one" aria-labelledby="idle-title">
      <h2 id="idle-title">{ta('vcs.idle')}</h2>
      <p class="hint">
        {ta('settings.idle.what')} <HelpWord word="idle" /> · <HelpWord word="snooze" />
      </p>
      <Loaded live={live}>
        {(vcs) => (
          <div class="scroll" tabIndex={0} role="region" aria-label={ta('settings.idle.rules')}>
            <table class="list">
              <thead>
                <tr>
                  <th scope="col">{t('column.vc')}</th>
                  <th scope="col">{ta('settings.idle.rules')}</th>
                </tr>
              </thead>
              <tbody>
                {Object.entries(vcs).map(([name, vc]) => (
                  <tr key={name}>
                    <th scope="row">
                      <a href={pageHref('vcs', { vc: name })}>{name}</a>
                    </th>
                    <td>
                      <Rules vc={vc} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
    </section>
  );
}

function Rules({ vc }: { vc: VirtualCluster }) {
  const policy = vc.idle as Policy | null;
  if (!policy) return <span class="dim">{ta('settings.idle.site')}</span>;
  return (
    <>
      {policy.dryRun && <span class="label">{ta('settings.idle.dryRun')}</span>}{' '}
      {(policy.rules ?? []).map(({ rule, of, after, action }) => (
        <span class="item" key={`${rule} ${of}`}>
          {rule} {of === 'reservations' && `(${of})`} {after && duration(after * 1000)} → {action}
        </span>
      ))}
    </>
  );
}
