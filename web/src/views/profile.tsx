// SPDX-License-Identifier: MIT
// Oneself: the keys that one's tasks let in by ssh, the tokens that act in one's name, what one is told, the address and the password.
import { useEffect } from 'preact/hooks';
import { Later } from '../components/later.tsx';
import { ProfileEmail, ProfilePassword } from '../components/profile-login.tsx';
import { ProfileKeys } from '../components/profile-keys.tsx';
import { ProfileTokens } from '../components/profile-tokens.tsx';
import { session, site } from '../store.ts';
import { t } from '../words.ts';

/** Much that only this page needs. */
const loadNotices = async () => (await import('../components/profile-notices.tsx')).ProfileNotices;

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
      <Later load={loadNotices}>{(Notices) => <Notices />}</Later>
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
