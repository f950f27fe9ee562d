// SPDX-License-Identifier: MIT
// Whether and when the weekly report comes by mail.
import { useState } from 'preact/hooks';
import { absolute } from '../format.ts';
import { getReportMail, setReportMail } from '../report-api.ts';
import type { ReportMail } from '../reports.ts';
import { language, t } from '../words.ts';
import { Loaded } from './loaded.tsx';
import { useLive } from './use-live.ts';

const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

export function ReportByMail() {
  const live = useLive(getReportMail, '', () => false);
  const [problem, setProblem] = useState('');
  const change = async (wish: ReportMail): Promise<void> => {
    setProblem('');
    try {
      await setReportMail(wish);
      await live.refresh();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <div class="bymail">
      <Loaded live={live}>
        {(mail) => (
          <>
            <label>
              <input type="checkbox" checked={mail.on} onChange={(event) => void change({ ...mail, on: event.currentTarget.checked })} />{' '}
              {t('reports.mail')}
            </label>
            <select
              aria-label={t('reports.mail.weekday')}
              value={mail.weekday}
              onChange={(event) => void change({ ...mail, on: true, weekday: event.currentTarget.value })}
            >
              {WEEKDAYS.map((day) => (
                <option key={day} value={day}>
                  {t(`reports.mail.${day}`)}
                </option>
              ))}
            </select>
            <select
              aria-label={t('reports.mail.hour')}
              value={String(mail.hour)}
              onChange={(event) => void change({ ...mail, on: true, hour: Number(event.currentTarget.value) })}
            >
              {Array.from({ length: 24 }, (_, hour) => (
                <option key={hour} value={String(hour)}>{`${String(hour).padStart(2, '0')}:00 UTC`}</option>
              ))}
            </select>
            {mail.nextTime !== null && <span class="dim">{t('reports.mail.next', { when: absolute(mail.nextTime, language.value) })}</span>}
          </>
        )}
      </Loaded>
      <p class="problem" role="alert">
        {problem}
      </p>
    </div>
  );
}
