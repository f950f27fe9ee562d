// SPDX-License-Identifier: MIT
// The job as it was submitted.
import { configHref, getConfig } from '../api.ts';
import { templatesHref } from '../router.ts';
import { t } from '../words.ts';
import { Once } from './once.tsx';

export function JobConfig({ job }: { job: string }) {
  return (
    <Once name={job} load={() => getConfig(job)}>
      {(config) => (
        <>
          <p>
            <a href={configHref(job)} download={`${job}.yaml`}>
              {t('config.download')}
            </a>{' '}
            · <a href={templatesHref({ from: job })}>{t('job.share')}</a>
          </p>
          <pre class="config" tabIndex={0} role="region" aria-label={t('config.region')}>
            {config}
          </pre>
        </>
      )}
    </Once>
  );
}
