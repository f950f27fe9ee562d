// SPDX-License-Identifier: MIT
// GPU hours by day as stacked bars, coloured by what became of the work; each bar says its figures when pointed at.
import { figure } from '../format.ts';
import { bars, OUTCOMES, type Report } from '../reports.ts';
import { language, t } from '../words.ts';

const WIDTH = 800;
const HEIGHT = 140;

export function ReportBars({ days }: { days: Report }) {
  const all = bars(days);
  const most = Math.max(...all.map((bar) => bar.all), 0);
  const step = WIDTH / Math.max(all.length, 1);
  const width = step > 4 ? step - 2 : step;
  const hours = (value: number): string => t('reports.hours', { hours: figure(Math.round(value * 10) / 10, language.value) });
  return (
    <figure class="bars">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={t('reports.days.what', { most: hours(most) })}>
        {all.map((bar, index) => {
          let y = HEIGHT;
          return (
            <g key={bar.day} data-day={bar.day}>
              <title>{`${bar.day}: ${hours(bar.all)}`}</title>
              {OUTCOMES.filter((outcome) => bar.hours[outcome] > 0).map((outcome) => {
                const height = (HEIGHT * bar.hours[outcome]) / most;
                y -= height;
                return <rect key={outcome} class={`o-${outcome}`} x={index * step} y={y} width={width} height={height} />;
              })}
            </g>
          );
        })}
      </svg>
      <figcaption>
        <span>{all[0]?.day}</span>
        <span>{t('reports.most', { most: hours(most) })}</span>
        <span>{all[all.length - 1]?.day}</span>
      </figcaption>
      <ul class="legend">
        {OUTCOMES.map((outcome) => (
          <li key={outcome}>
            <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
              <rect class={`o-${outcome}`} width="10" height="10" />
            </svg>{' '}
            {t(`reports.outcome.${outcome}`)} <output>{figure(Math.round(days.total.gpuHours[outcome] * 10) / 10, language.value)}</output>
          </li>
        ))}
      </ul>
    </figure>
  );
}
