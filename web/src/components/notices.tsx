// SPDX-License-Identifier: MIT
// What came of an action. The region is always there, or readers would miss its first message.
import { dismiss, notices } from '../store.ts';
import { t } from '../words.ts';

export function Notices() {
  return (
    <section class="notices" aria-label={t('notices')} aria-live="polite">
      {notices.value.map((notice) => (
        <p key={notice.id} class={notice.bad ? 'notice bad' : 'notice'}>
          <span>{notice.text}</span>
          <button type="button" class="quiet" aria-label={t('notice.dismiss')} onClick={() => dismiss(notice.id)}>
            ×
          </button>
        </p>
      ))}
    </section>
  );
}
