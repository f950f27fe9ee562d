// SPDX-License-Identifier: MIT
// What one is told, by mail and by webhooks; its code is loaded when the profile is opened.
import '../styles/admin.css';
import '../styles/notices.css';
import { tn } from '../notice-words.ts';
import { NoticeRules } from './notice-rules.tsx';
import { Webhooks } from './webhooks.tsx';

export function ProfileNotices() {
  return (
    <section class="notices-of" aria-labelledby="notices-title">
      <h2 id="notices-title">{tn('title')}</h2>
      <NoticeRules />
      <h3>{tn('webhooks.title')}</h3>
      <Webhooks whose="own" />
    </section>
  );
}
