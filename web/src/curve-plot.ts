// SPDX-License-Identifier: MIT
// One uPlot on the page. The only file that knows uPlot; it is loaded when the first curve is shown. Colours come from
// the style sheet, so that themes and the system's colours hold for the canvas, too.
import 'uplot/dist/uPlot.min.css';
import uPlot from 'uplot';
import { effect, untracked } from '@preact/signals';
import type { CurveView } from './curve-view.ts';
import { align, type Series } from './series.ts';

export interface PlotLine {
  series: Series;
  /** 0 to COLOURS - 1. */
  colour: number;
  dash: readonly number[];
  /** Drawn thin, behind the others. */
  faint: boolean;
}

export interface PlotOptions {
  view: CurveView;
  /** Time: x is in ms since 1970. */
  time: boolean;
  formatX: (values: readonly number[]) => string[];
  formatY: (value: number) => string;
  /** What y shows at least; null: what there is. */
  rangeY: readonly [number, number] | null;
  log: boolean;
  /** y is in bytes: its axis is divided at round numbers of their units. */
  bytes: boolean;
}

export interface Plot {
  update: (lines: readonly PlotLine[]) => void;
  destroy: () => void;
}

const BINARY = Array.from({ length: 50 }, (_, power) => 2 ** power);
const HEIGHT_PX = 200;
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", sans-serif';

/** The colour that a custom property stands for here. A canvas knows neither var() nor light-dark(). */
function colourOf(host: HTMLElement, name: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${name})`;
  host.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

type Data = uPlot.AlignedData;

function dataOf(lines: readonly PlotLine[]): Data {
  const { x, ys } = align(lines.map(({ series }) => series));
  return [x, ...ys] as Data;
}

/** With nothing to show it goes from 0 to 1. */
function rangeY(options: PlotOptions): uPlot.Scale.Range {
  return (_, from: number | null, to: number | null) => {
    const least = options.rangeY;
    if (least) return [Math.min(least[0], from ?? least[0]), Math.max(least[1], to ?? least[1])];
    if (from === null || to === null) return options.log ? [1, 10] : [0, 1];
    return options.log ? uPlot.rangeLog(from, to, 10, false) : uPlot.rangeNum(from, to, 0.1, true);
  };
}

function axes(host: HTMLElement, options: PlotOptions): uPlot.Axis[] {
  const stroke = colourOf(host, '--dim');
  const line = { stroke: colourOf(host, '--line'), width: 1 };
  const common = { stroke, font: FONT, grid: { ...line, dash: [1, 3] }, ticks: { ...line, size: 4 } };
  return [
    { ...common, size: 28, space: 72, values: (_, splits) => options.formatX(splits) },
    {
      ...common,
      size: 72,
      space: 36,
      ...(options.bytes ? { incrs: BINARY } : {}),
      // Of a logarithmic axis only the whole powers are told; uPlot marks the rest with null.
      values: (_, splits) => splits.map((value) => (value === null ? '' : options.formatY(value))),
    },
  ];
}

function seriesOf(host: HTMLElement, lines: readonly PlotLine[], points: boolean): uPlot.Series[] {
  return [
    {},
    ...lines.map(({ colour, dash, faint }) => ({
      stroke: colourOf(host, `--curve-${colour}`),
      width: faint ? 1 : 2,
      alpha: faint ? 0.6 : 1,
      dash: [...dash],
      points: { size: 5, fill: colourOf(host, '--bg'), ...(points ? { show: true } : {}) },
    })),
  ];
}

/** Draws into `host` until it is destroyed. Lines may change their points, not their number: then make another one. */
export function drawPlot(host: HTMLElement, first: readonly PlotLine[], options: PlotOptions): Plot {
  const { view } = options;
  const pick = (plot: uPlot): void => {
    const { left, width } = plot.select;
    if (width > 2) view.range.value = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  };
  // Only the one under the pointer tells where the cursor is; the others are told.
  let inside = false;
  const follow = (plot: uPlot): void => {
    if (!inside) return;
    const { left } = plot.cursor;
    view.at.value = left === undefined || left < 0 ? null : plot.posToVal(left, 'x');
  };
  const reset = (): null => {
    view.range.value = null;
    return null;
  };
  let gone = false;
  const place = (): void => {
    const at = view.at.peek();
    if (!inside && !gone) plot.setCursor({ left: at === null ? -10 : plot.valToPos(at, 'x'), top: 0 });
  };
  const settings: uPlot.Options = {
    width: Math.max(host.clientWidth, 160),
    height: HEIGHT_PX,
    ms: 1,
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false },
      bind: { dblclick: () => reset },
      points: { size: 7, fill: (_, i) => (first[i - 1]?.faint ? 'transparent' : colourOf(host, `--curve-${first[i - 1]?.colour ?? 0}`)) },
    },
    scales: {
      x: { time: options.time, range: (_, from, to) => rangeX(view, from, to) },
      y: { range: rangeY(options), distr: options.log ? 3 : 1 },
    },
    axes: axes(host, options),
    series: seriesOf(host, first, dataOf(first)[0].length < 2),
    // Scales are known a moment after they were asked for, and the cursor stands where they say.
    hooks: { setSelect: [pick], setCursor: [follow], setScale: [() => queueMicrotask(place)] },
  };
  const plot = new uPlot(settings, dataOf(first), host);
  const size = new ResizeObserver(() => {
    if (host.clientWidth > 0 && host.clientWidth !== plot.width) plot.setSize({ width: host.clientWidth, height: HEIGHT_PX });
  });
  size.observe(host);
  plot.over.addEventListener('mouseenter', () => {
    inside = true;
  });
  plot.over.addEventListener('mouseleave', () => {
    inside = false;
    view.at.value = null;
  });
  const endRange = effect(() => {
    void view.range.value;
    untracked(() => plot.setData(plot.data));
  });
  const endCursor = effect(() => {
    void view.at.value;
    untracked(place);
  });
  return {
    update: (lines) => plot.setData(dataOf(lines)),
    destroy: () => {
      gone = true;
      endRange();
      endCursor();
      size.disconnect();
      plot.destroy();
    },
  };
}

/** What is shown of x. A single point gets room around it. */
function rangeX(view: CurveView, from: number | null, to: number | null): uPlot.Range.MinMax {
  const shown = view.range.peek();
  if (shown) return [shown[0], shown[1]];
  if (from === null || to === null) return [0, 1];
  return from === to ? [from - 1, to + 1] : [from, to];
}
