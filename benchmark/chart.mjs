/**
 * Draws times as bars, by Vega: an SVG without a background, whose style has other colours for dark
 * pages.
 */
import { parse, View } from 'vega';

const FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif";

/** Pixels: a row, the labels left of the bars, the bars, and the figures right of them. */
const ROW = 26;
const LABELS = 280;
const BARS = 320;
const FIGURES = 130;

/** The colours on light pages, and those that a dark page shows in their place. */
const DARK = {
  '#1f2328': '#e6edf3',
  '#59636e': '#9198a1',
  '#d97706': '#f59e0b',
  '#8c9fb5': '#64788f',
};
const [TEXT, MUTED, OURS, THEIRS] = Object.keys(DARK);

function style() {
  const rules = Object.entries(DARK).map(([light, dark]) => `[fill="${light}"]{fill:${dark}}`);
  return `<style>@media(prefers-color-scheme:dark){${rules.join('')}}</style>`;
}

/** A column of texts, one in the row of each datum. */
function texts(data, field, encode) {
  const enter = {
    y: { scale: 'rows', field: 'row', band: 0.5 },
    baseline: { value: 'middle' },
    fill: { value: TEXT },
    text: { field },
    font: { value: FONT },
    fontSize: { value: 13 },
    ...encode,
  };
  return { type: 'text', from: { data }, encode: { enter } };
}

const isOurs = (yes, no) => [{ test: 'datum.ours', value: yes }, { value: no }];

/**
 * An SVG.
 *
 * @param rows - From the top: `{ label, share, figure, ours }`, a bar as long as its share of 1, or
 * `{ heading }`.
 */
export async function chart(title, rows) {
  const data = rows.map((row, index) => ({ row: index, ...row }));
  const spec = {
    width: LABELS + BARS + FIGURES,
    height: rows.length * ROW,
    padding: 12,
    title: { text: title, anchor: 'start', font: FONT, fontSize: 15, color: TEXT, offset: 10 },
    data: [
      { name: 'bars', values: data.filter(({ share }) => share !== undefined) },
      { name: 'headings', values: data.filter(({ heading }) => heading !== undefined) },
    ],
    scales: [
      { name: 'rows', type: 'band', domain: [...data.keys()], range: 'height', padding: 0.25 },
      { name: 'shares', domain: [0, 1], range: [LABELS, LABELS + BARS] },
    ],
    marks: [
      {
        type: 'rect',
        from: { data: 'bars' },
        encode: {
          enter: {
            x: { value: LABELS },
            x2: { scale: 'shares', field: 'share', offset: 2 },
            y: { scale: 'rows', field: 'row' },
            height: { scale: 'rows', band: 1 },
            fill: isOurs(OURS, THEIRS),
          },
        },
      },
      texts('bars', 'label', {
        x: { value: LABELS - 8 },
        align: { value: 'right' },
        fontWeight: isOurs('bold', 'normal'),
      }),
      texts('bars', 'figure', { x: { scale: 'shares', field: 'share', offset: 9 } }),
      texts('headings', 'heading', { x: { value: 0 }, fill: { value: MUTED } }),
    ],
  };
  const svg = await new View(parse(spec), { renderer: 'none' }).toSVG();
  return `${svg.replace(/<svg[^>]*>/, (tag) => `${tag}<title>${title}</title>${style()}`)}\n`;
}
