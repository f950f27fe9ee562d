// SPDX-License-Identifier: MIT
// What was found when a failed job's task was kept: its end, what still ran, its variables, its last lines, its GPUs and
// a core file. Asked for when it is opened.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { type Collected, getCollected } from '../api.ts';
import { bytes, duration } from '../format.ts';
import { jobHref } from '../router.ts';
import { t } from '../words.ts';
import { DeviceFigures } from './device.tsx';
import { Simulated } from './labels.tsx';
import { Once } from './once.tsx';
import { Ago } from './time.tsx';

export function JobCollected({ job }: { job: string }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="collected" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t('collected.title')}</summary>
      {open && (
        <Once name={job} load={() => getCollected(job)}>
          {(found) => <Parts job={job} found={found} />}
        </Once>
      )}
    </details>
  );
}

function Part({ word, children }: { word: string; children: ComponentChildren }) {
  return (
    <section>
      <h3>{word}</h3>
      {children}
    </section>
  );
}

function Parts({ job, found }: { job: string; found: Collected }) {
  return (
    <>
      <Part word={t('collected.end')}>
        <p>
          {found.reason}{' '}
          <span class="dim">
            {found.signal > 0 ? t('collected.signal', { signal: found.signal }) : t('job.why.exitCode', { code: found.exitCode })}
          </span>
        </p>
        {found.message !== '' && <p>{found.message}</p>}
        <p class="dim">
          {found.time === null ? (
            t('collected.nothing')
          ) : (
            <>
              {t('collected.looked')} <Ago at={found.time} />
            </>
          )}
        </p>
      </Part>
      <Log job={job} found={found} />
      {found.time !== null && <Processes found={found} />}
      {found.gpus.length > 0 && <Gpus found={found} />}
      {found.time !== null && <Core found={found} />}
      {found.time !== null && <Environment found={found} />}
    </>
  );
}

function Log({ job, found: { log } }: { job: string; found: Collected }) {
  return (
    <Part word={t('collected.log')}>
      {log && log.lines.length > 0 ? (
        <>
          <pre tabIndex={0} role="region" aria-label={t('collected.log')}>
            {log.lines.join('\n')}
          </pre>
          <p>
            <a href={jobHref(job, { tab: 'log' })}>{t('collected.log.whole')}</a>
          </p>
        </>
      ) : (
        <p class="dim">{t(log ? 'log.emptyEnd' : 'collected.log.gone')}</p>
      )}
    </Part>
  );
}

function Processes({ found: { processes, processesLeftOut } }: { found: Collected }) {
  if (processes.length === 0) {
    return (
      <Part word={t('collected.processes')}>
        <p class="dim">{t('collected.processes.none')}</p>
      </Part>
    );
  }
  return (
    <Part word={t('collected.processes')}>
      <div class="scroll" tabIndex={0} role="region" aria-label={t('collected.processes')}>
        <table class="list">
          <thead>
            <tr>
              {(['pid', 'ppid'] as const).map((word) => (
                <th key={word} scope="col" class="number">
                  {t(`process.${word}`)}
                </th>
              ))}
              <th scope="col">{t('process.state')}</th>
              <th scope="col" class="number">
                {t('process.uid')}
              </th>
              <th scope="col" class="number">
                {t('process.cpu')}
              </th>
              <th scope="col" class="number">
                {t('process.memory')}
              </th>
              <th scope="col">{t('process.command')}</th>
            </tr>
          </thead>
          <tbody>
            {processes.map((one) => (
              <tr key={one.pid}>
                <th scope="row" class="number">
                  {one.pid}
                </th>
                <td class="number">{one.ppid}</td>
                <td>{one.state}</td>
                <td class="number">{one.uid}</td>
                <td class="number">{duration(one.cpuMs)}</td>
                <td class="number">{bytes(one.rssBytes)}</td>
                <td>
                  <code>{one.command}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {processesLeftOut > 0 && <p class="dim">{t('collected.more', { count: processesLeftOut })}</p>}
    </Part>
  );
}

function Gpus({ found: { gpus } }: { found: Collected }) {
  return (
    <Part word={t('collected.gpus')}>
      <ul>
        {gpus.map((gpu) => (
          <li key={gpu.index}>
            GPU {gpu.index} · {gpu.model} {gpu.simulated && <Simulated />} {gpu.state}
            {gpu.reason && ` · ${gpu.reason}`} <DeviceFigures sample={gpu.sample} />
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Core({ found: { core } }: { found: Collected }) {
  const files = core?.files ?? [];
  return (
    <Part word={t('collected.core')}>
      {files.length > 0 ? (
        <ul>
          {files.map(({ name, size, time }) => (
            <li key={name}>
              <code>{name}</code> ({bytes(size)}, <Ago at={time} />)
            </li>
          ))}
        </ul>
      ) : (
        <p class="dim">{core?.handedTo ? t('collected.core.handed', { program: core.handedTo }) : t('collected.core.none')}</p>
      )}
    </Part>
  );
}

function Environment({ found }: { found: Collected }) {
  return (
    <Part word={t('collected.environment')}>
      {found.secrets.length > 0 && <p class="dim">{t('collected.secrets', { names: found.secrets.join(', ') })}</p>}
      <div class="environment" tabIndex={0} role="region" aria-label={t('collected.environment')}>
        <dl>
          {found.environment.map(({ name, value }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value ?? <span class="dim">{t('collected.hidden')}</span>}</dd>
            </div>
          ))}
        </dl>
      </div>
      {found.environmentLeftOut > 0 && <p class="dim">{t('collected.more', { count: found.environmentLeftOut })}</p>}
    </Part>
  );
}
