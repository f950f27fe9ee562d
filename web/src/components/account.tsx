// SPDX-License-Identifier: MIT
// Who one is, how the page looks, and the way out.
import { profileHref } from '../router.ts';
import { chooseLanguage, chooseTheme, notify, session, signOut, THEMES, type Theme, theme } from '../store.ts';
import { LANGUAGES, type Language, language, t } from '../words.ts';

const leave = (): void => {
  signOut().catch((error: Error) => notify(error.message, true));
};

export function Account() {
  const me = session.value;
  if (!me) return null;
  return (
    <div class="account">
      <button type="button" class="quiet" popovertarget="account" aria-label={t('menu.open', { user: me.user })}>
        {me.user} <span aria-hidden="true">▾</span>
      </button>
      <div id="account" class="menu" popover="auto">
        <p>
          <strong>{me.user}</strong> {me.admin && <span class="dim">{t('menu.admin')}</span>}
        </p>
        <a href={profileHref} onClick={(event) => event.currentTarget.closest<HTMLElement>('[popover]')?.hidePopover()}>
          {t('menu.profile')}
        </a>
        <label>
          {t('menu.theme')}
          <select value={theme.value} onChange={(event) => chooseTheme(event.currentTarget.value as Theme)}>
            {THEMES.map((name) => (
              <option key={name} value={name}>
                {t(`theme.${name}`)}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t('menu.language')}
          <select value={language.value} onChange={(event) => chooseLanguage(event.currentTarget.value as Language)}>
            {LANGUAGES.map(([name, word]) => (
              <option key={name} value={name} lang={name}>
                {word}
              </option>
            ))}
          </select>
        </label>
        <button type="button" onClick={leave}>
          {t('menu.signOut')}
        </button>
      </div>
    </div>
  );
}
