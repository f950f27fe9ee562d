// SPDX-License-Identifier: MIT
// Oneself: the keys that one's tasks let in by ssh, the tokens that act in one's name, the address and the password.
import { useEffect } from 'preact/hooks';
import { ProfileEmail, ProfilePassword } from '../components/profile-login.tsx';
import { ProfileKeys } from '../components/profile-keys.tsx';
import { ProfileTokens } from '../components/profile-tokens.tsx';
import { session, site } from '../store.ts';
import { t } from '../words.ts';

export function Profile() {
  const me = session.value;
  useEffect(() => {
    document.title = `${t('profile.title')} · ${site.value.name}`;
  }, [site.value.name]);
  if (!me) return null;
  return (
    <div class="profile">
      <div class="headline">
        <h1>{t('profile.title')}</h1>
        <span>{me.user}</span>
        {me.admin && <span class="dim">{t('menu.admin')}</span>}
      </div>
      <ProfileKeys />
      <ProfileTokens />
      <section aria-labelledby="login-title">
        <h2 id="login-title">{t('profile.login')}</h2>
        <div class="forms">
          <ProfileEmail me={me} />
          <ProfilePassword me={me} />
        </div>
      </section>
    </div>
  );
}
