// SPDX-License-Identifier: MIT
// The job as it was submitted. It never changes, so it is read once.
import { configHref, getConfig } from '../api.ts';
import { t } from '../words.ts';
import { useLive } from './use-live.ts';

export function JobConfig({ job }: { job: string }) {
  const live = useLive(
    () => getConfig(job),
    job,
    () => false,
  );
  if (live.error.value) {
    return (
      <p class="problem" role="alert">
        {live.error.value.message}
      </p>
    );
  }
  if (live.data.value === null) return <p class="loading">{t('app.loading')}</p>;
  return (
    <>
      <p>
        <a href={configHref(job)} download={`${job}.yaml`}>
          {t('config.download')}
        </a>
      </p>
      <pre class="config" tabIndex={0} role="region" aria-label={t('config.region')}>
        {live.data.value}
      </pre>
    </>
  );
}
