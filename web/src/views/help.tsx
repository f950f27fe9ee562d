// SPDX-License-Identifier: MIT
// Help: what the words mean. The address names the word that is looked for.
import '../styles/admin.css';
import { useEffect, useRef } from 'preact/hooks';
import { ta } from '../admin-words.ts';
import { Search } from '../components/filter.tsx';
import { findHelp, HELP_IDS, type HelpId, helpOf } from '../help-words.ts';
import { apiHref, pageHref, route } from '../router.ts';
import { site } from '../store.ts';
import { t } from '../words.ts';

export function Help() {
  const query = route.value.query;
  const q = query.get('q') ?? '';
  const word = HELP_IDS.find((id) => id === query.get('word'));
  const found = findHelp(q);
  useEffect(() => {
    document.title = `${t('nav.help')} · ${site.value.name}`;
  }, [site.value.name]);
  return (
    <div class="help">
      <div class="headline">
        <h1>{t('nav.help')}</h1>
      </div>
      <p>
        {ta('help.what')} <a href={apiHref}>{ta('help.api')}</a>
      </p>
      <search class="filters" aria-label={t('jobs.filters')}>
        <Search word={ta('help.search')} value={q} href={(text) => pageHref('help', { q: text })} />
      </search>
      {found.length === 0 && <p class="empty">{ta('help.noMatch')}</p>}
      <dl class="words">
        {found.map((id) => (
          <Word key={id} id={id} chosen={id === word} />
        ))}
      </dl>
    </div>
  );
}

/** The one that is linked to is brought into sight and marked. */
function Word({ id, chosen }: { id: HelpId; chosen: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (chosen) box.current?.scrollIntoView({ block: 'center' });
  }, [chosen]);
  const { term, text } = helpOf(id);
  return (
    <div ref={box} class={chosen ? 'chosen' : undefined} data-word={id}>
      <dt>
        <a href={pageHref('help', { word: id })} aria-current={chosen ? 'true' : undefined}>
          {term}
        </a>
      </dt>
      <dd>{text}</dd>
    </div>
  );
}
