// SPDX-License-Identifier: MIT
// The code that came with a job: what is in it, and the archive as it was sent.
import { codeHref, getCode } from '../api.ts';
import { bytes } from '../format.ts';
import { t } from '../words.ts';
import { Once } from './once.tsx';

export function JobCode({ job }: { job: string }) {
  return (
    <Once name={job} load={() => getCode(job)}>
      {(listing) => (
        <>
          <p>
            <a href={codeHref(job)} download={`${job}.tar`}>
              {t('code.download', { size: bytes(listing.size) })}
            </a>
          </p>
          <div class="scroll" tabIndex={0} role="region" aria-label={t('code.caption')}>
            <table class="list">
              <thead>
                <tr>
                  <th scope="col">{t('code.path')}</th>
                  <th scope="col" class="number">
                    {t('code.size')}
                  </th>
                </tr>
              </thead>
              <tbody>
                {listing.files.map(({ path, type, size }) => (
                  <tr key={path}>
                    <th scope="row">{type === 'folder' ? `${path}/` : path}</th>
                    <td class="number">{type === 'file' && bytes(size)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {listing.truncated && <p class="dim">{t('code.more')}</p>}
        </>
      )}
    </Once>
  );
}
