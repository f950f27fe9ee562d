// SPDX-License-Identifier: MIT
// One chart of curves: drawn by uPlot, which is loaded with the first one, and told in words and as a table to those who
// do not see it. Dragging shows a part, a double click everything; the arrow keys move the cursor.
import { useComputed } from '@preact/signals';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Plot, PlotLine } from '../curve-plot.ts';
import type { CurveView } from '../curve-view.ts';
import { align, figures, lowerBound, nearest, type Series, valueAt, within, zoomed } from '../series.ts';
import { theme } from '../store.ts';
import { language, t } from '../words.ts';

export interface CurveLine {
  key: string;
  name: string;
  series: Series;
  /** The same as it was before it was smoothed: drawn thin, behind it. */
  raw?: Series;
}

export interface XAxis {
  /** Over the first column of the table. */
  name: string;
  time: boolean;
  /** Places along the axis. */
  ticks: (values: readonly number[]) => string[];
  /** One place, in full. */
  exact: (value: number) => string;
}

interface Props {
  title: string;
  note?: string | undefined;
  lines: readonly CurveLine[];
  axis: XAxis;
  view: CurveView;
  formatY: (value: number) => string;
  rangeY?: readonly [number, number] | undefined;
  log?: boolean;
  /** y is in bytes. */
  bytes?: boolean;
  /** So many lines are drawn at first. */
  first?: number | undefined;
}

/** More would not be told apart; the rest is switched on in the legend. */
const SHOWN_FIRST = 4;
const COLOURS = 6;
const DASHES: readonly (readonly number[])[] = [[], [8, 4], [2, 3], [8, 3, 2, 3]];
const ROWS_MAX = 200;

interface Shown {
  line: CurveLine;
  index: number;
  on: boolean;
}

const lookOf = (index: number): Pick<PlotLine, 'colour' | 'dash'> => ({
  colour: index % COLOURS,
  dash: DASHES[Math.floor(index / COLOURS) % DASHES.length] as readonly number[],
});

export function Curve(props: Props) {
  const { title, note, lines, axis, view, formatY, first = SHOWN_FIRST } = props;
  const [chosen, setChosen] = useState<Readonly<Record<string, boolean>>>({});
  const id = useId();
  const all = lines.map((line, index): Shown => ({ line, index, on: chosen[line.key] ?? index < first }));
  const shown = all.filter(({ on }) => on);
  return (
    <section class="curve" aria-labelledby={`${id}-title`}>
      <div class="curve-head">
        <h3 id={`${id}-title`}>{title}</h3>
        {note && <span class="dim">{note}</span>}
        <Reset view={view} />
      </div>
      <Canvas {...props} shown={shown} describedBy={`${id}-words`} />
      <ul class="legend" aria-label={t('curve.lines', { title })}>
        {all.map((one) => (
          <Entry
            key={one.line.key}
            {...one}
            view={view}
            formatY={formatY}
            onToggle={() => setChosen({ ...chosen, [one.line.key]: !one.on })}
          />
        ))}
      </ul>
      <p class="spoken" id={`${id}-words`}>
        {shown.map(({ line }) => words(line, formatY)).join(' ')} {t('curve.keys')}
      </p>
      <Figures shown={shown} axis={axis} view={view} formatY={formatY} title={title} />
    </section>
  );
}

function words({ name, series }: CurveLine, formatY: Props['formatY']): string {
  const found = figures(series);
  if (!found) return t('curve.words.none', { name });
  const [mean, least, most, last] = [found.mean, found.least, found.most, found.last].map(formatY) as [string, string, string, string];
  return t('curve.words', { name, mean, least, most, last });
}

function Reset({ view }: { view: CurveView }) {
  if (view.range.value === null) return null;
  return (
    <button type="button" onClick={() => view.reset()}>
      {t('curve.reset')}
    </button>
  );
}

/** How a line looks, its name, and its value where the cursor is. */
function Entry({ line, index, on, view, formatY, onToggle }: Shown & Pick<Props, 'view' | 'formatY'> & { onToggle: () => void }) {
  const { colour, dash } = lookOf(index);
  const at = view.at.value;
  const value = at === null ? (figures(line.series)?.last ?? null) : valueAt(line.series, at);
  return (
    <li>
      <button type="button" class="quiet" aria-pressed={on} onClick={onToggle}>
        <svg class={`curve-${colour}`} width="22" height="8" aria-hidden="true">
          <line x1="0" y1="4" x2="22" y2="4" stroke-width="2" stroke-dasharray={dash.join(' ')} />
        </svg>{' '}
        {line.name}
      </button>
      {on && <output>{value === null ? '–' : formatY(value)}</output>}
    </li>
  );
}

interface CanvasProps extends Props {
  shown: readonly Shown[];
  describedBy: string;
}

/** What must be drawn behind comes first. */
const plotLines = (shown: readonly Shown[]): PlotLine[] => [
  ...shown.flatMap(({ line, index }) => (line.raw ? [{ series: line.raw, ...lookOf(index), faint: true }] : [])),
  ...shown.map(({ line, index }) => ({ series: line.series, ...lookOf(index), faint: false })),
];

/** Changes when the system's colours do. */
function useColours(): number {
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    const asked = ['(prefers-color-scheme: dark)', '(prefers-contrast: more)', '(forced-colors: active)'].map((query) => matchMedia(query));
    const change = (): void => setChanges((before) => before + 1);
    for (const one of asked) one.addEventListener('change', change);
    return () => {
      for (const one of asked) one.removeEventListener('change', change);
    };
  }, []);
  return changes;
}

function Canvas({ title, axis, view, formatY, rangeY, log = false, bytes = false, shown, describedBy }: CanvasProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const now = useRef({ shown, axis, formatY });
  now.current = { shown, axis, formatY };
  const made = [useColours(), theme.value, language.value, log, axis.time, axis.name, rangeY?.join(), ...shown.map(({ line }) => `${line.key}${line.raw ? '~' : ''}`)].join('\n');
  useLayoutEffect(() => {
    let gone = false;
    void import('../curve-plot.ts').then(({ drawPlot }) => {
      if (gone || !host.current) return;
      plot.current = drawPlot(host.current, plotLines(now.current.shown), {
        view,
        time: axis.time,
        formatX: (values) => now.current.axis.ticks(values),
        formatY: (value) => now.current.formatY(value),
        rangeY: rangeY ?? null,
        log,
        bytes,
      });
    });
    return () => {
      gone = true;
      plot.current?.destroy();
      plot.current = null;
    };
  }, [made]);
  useEffect(() => plot.current?.update(plotLines(shown)));
  return (
    <Slider title={title} axis={axis} view={view} formatY={formatY} shown={shown} describedBy={describedBy}>
      <div class="plot" ref={host} />
    </Slider>
  );
}

/** The cursor as readers know one: it has a place, and says what is there. */
function Slider({ title, axis, view, formatY, shown, describedBy, children }: Omit<CanvasProps, 'lines'> & { children: preact.ComponentChildren }) {
  const { x } = align(shown.map(({ line }) => line.series));
  const at = view.at.value;
  const index = at === null ? x.length - 1 : nearest(x, at);
  const place = x[index];
  const told = shown.map(({ line }) => {
    const value = place === undefined ? null : valueAt(line.series, place);
    return `${line.name} ${value === null ? t('curve.gap') : formatY(value)}`;
  });
  const key = (event: KeyboardEvent): void => {
    const first = x[0];
    const last = x.at(-1);
    if (first === undefined || last === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    const range = view.range.peek();
    const ends = [lowerBound(x, range?.[0] ?? first), nearest(x, range?.[1] ?? last)] as const;
    const to = (next: number): void => {
      view.at.value = x[Math.min(ends[1], Math.max(ends[0], next))] ?? null;
    };
    const zoom = (by: number): void => {
      view.range.value = zoomed([first, last], range, by, place ?? null);
    };
    const acts: Record<string, () => void> = {
      ArrowLeft: () => to(index - 1),
      ArrowRight: () => to(index + 1),
      PageUp: () => to(index - Math.ceil((ends[1] - ends[0]) / 10)),
      PageDown: () => to(index + Math.ceil((ends[1] - ends[0]) / 10)),
      Home: () => to(ends[0]),
      End: () => to(ends[1]),
      '+': () => zoom(0.5),
      '-': () => zoom(2),
      Escape: () => view.reset(),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  return (
    <div
      role="slider"
      tabIndex={0}
      aria-label={t('curve.cursor', { title })}
      aria-describedby={describedBy}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, x.length - 1)}
      aria-valuenow={Math.max(0, index)}
      aria-valuetext={place === undefined ? t('curve.gap') : `${axis.exact(place)}: ${told.join(', ')}`}
      onKeyDown={key}
    >
      {children}
      <p class="moment" aria-hidden="true">
        {place !== undefined && axis.exact(place)}
      </p>
    </div>
  );
}

/** The points of what is shown, newest first; made when somebody opens it. */
function Figures({ shown, axis, view, formatY, title }: Pick<Props, 'axis' | 'view' | 'formatY' | 'title'> & { shown: readonly Shown[] }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t('curve.table', { title })}</summary>
      {open && <Rows shown={shown} axis={axis} view={view} formatY={formatY} title={title} />}
    </details>
  );
}

function Rows({ shown, axis, view, formatY, title }: Pick<Props, 'axis' | 'view' | 'formatY' | 'title'> & { shown: readonly Shown[] }) {
  const range = useComputed(() => view.range.value).value;
  const { x, ys } = align(shown.map(({ line }) => line.series));
  const rows = x.map((_, i) => i).filter((i) => within(x[i] as number, range) && ys.some((y) => typeof y[i] === 'number'));
  return (
    <>
      {rows.length > ROWS_MAX && <p class="hint">{t('curve.table.cut', { shown: ROWS_MAX, count: rows.length })}</p>}
      <div class="scroll figures" tabIndex={0} role="region" aria-label={t('curve.table', { title })}>
        <table class="list">
          <thead>
            <tr>
              <th scope="col">{axis.name}</th>
              {shown.map(({ line }) => (
                <th key={line.key} scope="col" class="number">
                  {line.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows
              .slice(-ROWS_MAX)
              .reverse()
              .map((i) => (
                <tr key={x[i]}>
                  <th scope="row">{axis.exact(x[i] as number)}</th>
                  {ys.map((y, column) => (
                    <td key={shown[column]?.line.key} class="number">
                      {typeof y[i] === 'number' && formatY(y[i])}
                    </td>
                  ))}
                </tr>
              ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
