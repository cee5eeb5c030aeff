'use strict';

const data = JSON.parse(document.getElementById('data').textContent);
const steps = data.steps;
const count = steps.length;
const byId = (id) => document.getElementById(id);
const chosen = { layer: 0, unit: 0, step: Math.min(1, count - 1), colour: 'surprisal', order: 'movement' };

/* ---- values ---- */

/** What 98 % of some values, evenly picked, do not exceed. */
function nearlyAll(values) {
  const every = Math.ceil(values.length / 20000);
  const picked = values.filter((_, index) => index % every === 0).map(Math.abs).sort();
  return picked[Math.floor((picked.length - 1) * 0.98)];
}

for (const series of data.layers.flatMap((layer) => layer.series)) {
  const bytes = Uint8Array.from(atob(series.values), (letter) => letter.charCodeAt(0));
  series.values = new Int16Array(bytes.buffer);
  series.units = series.values.length / count;
  series.factor = series.scale / 32767;
  series.signed = series.saturation === null;
  // Gates are coloured from 0 to 1, the rest as far as nearly all values go: one unit that counts steps
  // would leave the others pale.
  series.limit = series.signed ? Math.max(nearlyAll(series.values) * series.factor, 1e-6) : 1;
}

const valueOf = (series, step, unit) => series.values[step * series.units + unit] * series.factor;
const layer = () => data.layers[chosen.layer].series;
/** How many units the chosen layer has. */
const unitCount = () => data.layers[chosen.layer].d_hidden;
const states = () => layer().filter((series) => series.movements);
const number = (value) => value.toFixed(3).replace('-', '−');
const mostSurprising = Math.max(1, ...steps.map((step) => step.surprisal ?? 0));

/* ---- elements ---- */

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

function drawing(name, attributes = {}, ...children) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

/* ---- colours ---- */

let palette;

function readPalette() {
  const style = getComputedStyle(document.documentElement);
  const rgb = (name) => {
    const hex = style.getPropertyValue(name).trim().slice(1);
    return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
  };
  palette = { surface: rgb('--surface'), positive: rgb('--positive'), negative: rgb('--negative') };
}

/** From the surface's colour to that of the sign; `share` in [-1, 1]. */
function mixed(share) {
  const to = share < 0 ? palette.negative : palette.positive;
  const part = Math.min(1, Math.abs(share));
  return palette.surface.map((from, index) => Math.round(from + (to[index] - from) * part));
}

const css = (share) => `rgb(${mixed(share).join(',')})`;

/* ---- tokens ---- */

const isStart = (step) => step === 0;
const endsLine = (step) => steps[step].id === steps[0].id && steps[step].id !== 1;

/** A token as it is read: byte pairs write a space as Ġ, a line's end as Ċ. */
function shown(step) {
  if (isStart(step)) return '⌂';
  if (endsLine(step)) return '⏎';
  let token = steps[step].token;
  if (data.unit === 'byte_pairs') token = token.replaceAll('Ġ', '␣').replaceAll('Ċ', '⏎');
  return token.replaceAll(' ', '␣').replaceAll('\n', '⏎').replaceAll('\t', '⇥') || '∅';
}

/* ---- the text ---- */

function buildText() {
  const text = byId('text');
  text.classList.toggle('words', data.unit === 'words');
  steps.forEach((token, step) => {
    // Between characters a space is seen by its colour.
    const label = shown(step).replaceAll('␣', '\u00a0');
    const button = element('button', { type: 'button', tabindex: -1, onclick: () => choose({ step }) }, label);
    if (token.id === 1) button.classList.add('unknown');
    button.title = token.surprisal === null ? 'what the text begins after' : `${number(token.surprisal)} nats`;
    text.append(button);
    if (endsLine(step) && !isStart(step)) text.append(element('br'));
  });
  text.addEventListener('keydown', (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    choose({ step: Math.max(0, Math.min(count - 1, chosen.step + way)) });
    text.querySelectorAll('button')[chosen.step].focus();
  });
}

/** What the text is coloured by: a share of its limit in [-1, 1], or null. */
function shareAt(step) {
  if (chosen.colour === 'surprisal') {
    const surprisal = steps[step].surprisal;
    return surprisal === null ? null : surprisal / mostSurprising;
  }
  const series = layer()[chosen.colour];
  return valueOf(series, step, chosen.unit) / series.limit;
}

function drawText() {
  byId('text').querySelectorAll('button').forEach((button, step) => {
    const share = shareAt(step);
    // Never so strong that letters cannot be read on it.
    button.style.background = share === null ? 'none' : css(share * 0.65);
    button.classList.toggle('chosen', step === chosen.step);
    button.tabIndex = step === chosen.step ? 0 : -1;
  });
  const series = chosen.colour === 'surprisal' ? null : layer()[chosen.colour];
  const [from, to] = series ? ends(series) : ['0', `${number(mostSurprising)} nats`];
  const colours = (series?.signed ? [-1, -0.5, 0, 0.5, 1] : [0, 0.5, 1]).map((share) => css(share * 0.65));
  const bar = element('i');
  bar.style.background = `linear-gradient(to right, ${colours.join(',')})`;
  byId('legend').replaceChildren(from, bar, to);
}

const ends = (series) => (series.signed ? [`≤ ${number(-series.limit)}`, `≥ ${number(series.limit)}`] : ['0', '1']);

/* ---- heat maps ---- */

let rows = [];

/** Which unit each row shows. */
function orderRows() {
  rows = Array.from({ length: unitCount() }, (_, unit) => unit);
  if (chosen.order === 'movement') rows = states()[0].movements.map((movement) => movement.unit);
}

function buildMaps() {
  const units = unitCount();
  const wide = element('div', { class: 'wide' });
  byId('maps').replaceChildren(wide);
  const width = Math.max(4, Math.min(28, byId('maps').clientWidth / count)) * count;
  const height = Math.max(60, Math.min(320, units * 4));
  for (const series of layer()) {
    const label = `${series.name}, every unit at every token`;
    const canvas = element('canvas', { width: count, height: units, role: 'img', 'aria-label': label });
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      const at = (offset, size, cells) => Math.max(0, Math.min(cells - 1, Math.floor((offset / size) * cells)));
      return {
        step: at(event.clientX - box.left, box.width, count),
        unit: rows[at(event.clientY - box.top, box.height, units)],
      };
    };
    canvas.addEventListener('pointermove', (event) => read(place(event)));
    canvas.addEventListener('pointerleave', () => read(chosen));
    canvas.addEventListener('click', (event) => choose(place(event)));
    const cross = element('div', { class: 'cross' });
    const map = element('div', { class: 'map' }, canvas, cross);
    map.style.width = `${width}px`;
    map.style.minWidth = '0';
    const title = element('h3', {}, `${series.symbol}  ${series.name} `, element('span', { class: 'range' }, ends(series).join(' … ')));
    title.style.cssText = 'position: sticky; left: 0; width: max-content;';
    wide.append(title, map);
    paint(canvas, series);
  }
}

function paint(canvas, series) {
  const { units } = series;
  const context = canvas.getContext('2d');
  const image = context.createImageData(count, units);
  // Colours of 256 shares: mixing each pixel's own would take seconds on long texts.
  const colours = Array.from({ length: 511 }, (_, index) => mixed((index - 255) / 255));
  const factor = (series.factor / series.limit) * 255;
  rows.forEach((unit, row) => {
    for (let step = 0; step < count; step += 1) {
      const share = Math.round(series.values[step * units + unit] * factor);
      const colour = colours[Math.max(0, Math.min(510, share + 255))];
      const at = (row * count + step) * 4;
      image.data[at] = colour[0];
      image.data[at + 1] = colour[1];
      image.data[at + 2] = colour[2];
      image.data[at + 3] = 255;
    }
  });
  context.putImageData(image, 0, 0);
}

function drawCrosses() {
  const row = rows.indexOf(chosen.unit);
  const units = unitCount();
  for (const cross of document.querySelectorAll('.cross')) {
    const canvas = cross.previousSibling;
    const [cellWidth, cellHeight] = [canvas.offsetWidth / count, canvas.offsetHeight / units];
    cross.style.left = `${chosen.step * cellWidth}px`;
    cross.style.top = `${row * cellHeight}px`;
    cross.style.width = `${Math.max(5, cellWidth)}px`;
    cross.style.height = `${Math.max(5, cellHeight)}px`;
  }
}

/* ---- one unit over the text ---- */

function drawLines() {
  // Single characters stand upright.
  const [turn, labels] = data.unit === 'characters' ? [0, 30] : [60, 70];
  const [left, top, height] = [64, 8, 34];
  const column = Math.max(6, Math.min(28, (byId('lines').clientWidth - left - 40) / count));
  const width = left + column * count + 40;
  const series = layer();
  const bottom = top + (height + 8) * series.length;
  const title = `unit ${chosen.unit} over the text`;
  const image = drawing('svg', { width, height: bottom + labels, role: 'img', 'aria-label': title });
  series.forEach((one, index) => {
    const base = top + index * (height + 8);
    const path = steps.map((_, step) => valueOf(one, step, chosen.unit));
    const limit = one.signed ? Math.max(1e-6, ...path.map(Math.abs)) : 1;
    const least = one.signed ? -limit : 0;
    const y = (value) => base + height - ((value - least) / (limit - least)) * height;
    const x = (step) => left + column * (step + 0.5);
    const stroke = one.signed ? 'var(--negative)' : 'var(--positive)';
    const points = path.map((value, step) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`);
    image.append(
      drawing('rect', { x: left, y: base, width: column * count, height, class: 'axis' }),
      drawing('line', { x1: left, x2: left + column * count, y1: y(0), y2: y(0), class: 'axis' }),
      drawing('polyline', { points: points.join(' '), fill: 'none', stroke, 'stroke-width': 1.5 }),
      drawing('text', { x: 0, y: base + height / 2 + 4 }, `${one.symbol}  ${number(path[chosen.step])}`),
    );
  });
  const x = left + column * (chosen.step + 0.5);
  image.append(drawing('line', { x1: x, x2: x, y1: top, y2: bottom, stroke: 'var(--mark)', 'stroke-dasharray': '2 3' }));
  // Where columns are narrow, every so many tokens have their label.
  const every = Math.ceil(13 / column);
  for (let step = 0; step < count; step += every) {
    const at = left + column * (step + 0.5);
    const transform = `translate(${at - 3 + turn / 10},${bottom + 12 - turn / 10}) rotate(${turn})`;
    image.append(drawing('text', { transform }, shown(step).replace(/^(.{9}).{2,}$/u, '$1…')));
  }
  byId('lines').replaceChildren(image);
}

/* ---- the units that move most ---- */

function drawMovers() {
  const tables = states().map((series) => {
    const index = layer().indexOf(series);
    const head = ['unit', 'least', 'greatest', 'turns at', 'path'].map((name) => element('th', {}, name));
    const lines = series.movements.slice(0, 10).map((movement) => {
      const choice = { unit: movement.unit, step: movement.turn, colour: String(index) };
      return element('tr', {},
        element('td', {}, element('button', { type: 'button', onclick: () => choose(choice) }, String(movement.unit))),
        element('td', { class: 'number' }, number(movement.least)),
        element('td', { class: 'number' }, number(movement.greatest)),
        element('td', {}, `${shown(movement.turn).slice(0, 16)} (${movement.turn})`),
        element('td', {}, sparkline(series, movement)));
    });
    return element('div', { class: 'wide' },
      element('h3', {}, `${series.symbol}  ${series.name}`),
      element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...lines)));
  });
  byId('movers').replaceChildren(element('div', { class: 'pair' }, ...tables));
}

function sparkline(series, movement) {
  const [width, height] = [120, 22];
  const range = movement.greatest - movement.least || 1;
  const points = steps.map((_, step) => {
    const share = (valueOf(series, step, movement.unit) - movement.least) / range;
    return `${((step / Math.max(1, count - 1)) * width).toFixed(1)},${(height - 1 - share * (height - 2)).toFixed(1)}`;
  });
  return drawing('svg', { width, height, 'aria-hidden': true },
    drawing('polyline', { points: points.join(' '), fill: 'none', stroke: 'var(--negative)' }));
}

/* ---- saturated gates ---- */

function drawSaturation() {
  const units = unitCount();
  const size = 200;
  const margin = 44;
  const percent = (share) => `${(share * 100).toFixed(1)} %`;
  const mean = (shares) => shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const figures = layer().filter((series) => series.saturation).map((series) => {
    const { left, right } = series.saturation;
    const place = (unit) => ({ cx: margin + left[unit] * size, cy: 8 + (1 - right[unit]) * size });
    const label = `saturation of each unit's ${series.name}`;
    const sizes = { width: size + margin + 12, height: size + 40 };
    const image = drawing('svg', { ...sizes, role: 'img', 'aria-label': label },
      // No gate can be both: shares add up to 1 at most.
      drawing('path', { d: `M${margin} 8 V${8 + size} H${margin + size} Z`, class: 'axis' }));
    for (const tick of [0, 0.5, 1]) {
      image.append(
        drawing('text', { x: margin + tick * size, y: size + 22, 'text-anchor': 'middle' }, String(tick)),
        drawing('text', { x: margin - 6, y: 12 + (1 - tick) * size, 'text-anchor': 'end' }, String(tick)));
    }
    image.append(
      drawing('text', { x: margin + size / 2, y: size + 36, 'text-anchor': 'middle' }, 'left-saturated'),
      drawing('text', { transform: `translate(10,${8 + size / 2}) rotate(-90)`, 'text-anchor': 'middle' }, 'right-saturated'));
    const inOrder = [...left.keys()].sort((a, b) => (a === chosen.unit) - (b === chosen.unit));
    for (const unit of inOrder) {
      const title = `unit ${unit}: shut at ${percent(left[unit])}, open at ${percent(right[unit])} of the steps`;
      const look = unit === chosen.unit ? { r: 5, class: 'dot chosen' } : { r: 4, class: 'dot' };
      const onclick = () => choose({ unit });
      image.append(drawing('circle', { ...place(unit), ...look, onclick }, drawing('title', {}, title)));
    }
    const always = (shares) => shares.filter((share) => share > 0.9).length;
    return element('figure', {},
      element('h3', {}, `${series.symbol}  ${series.name}`), image,
      element('p', { class: 'hint' }, `shut: ${percent(mean(left))} on average, ${always(left)} of ${units} units nearly always`),
      element('p', { class: 'hint' }, `open: ${percent(mean(right))} on average, ${always(right)} of ${units} units nearly always`));
  });
  byId('saturation').replaceChildren(element('div', { class: 'scatters' }, ...figures));
}

/* ---- what is chosen ---- */

function read({ step, unit }) {
  const { surprisal } = steps[step];
  const token = isStart(step) ? 'before the text' : `“${shown(step)}” (${step} of ${count - 1})`;
  const surprise = surprisal === null ? '' : ` · ${number(surprisal)} nats, p = ${Math.exp(-surprisal).toPrecision(2)}`;
  const values = layer().map((series) => `${series.symbol} ${number(valueOf(series, step, unit))}`);
  byId('readout').textContent = `${token}${surprise} · layer ${chosen.layer + 1}, unit ${unit}:  ${values.join('  ')}`;
}

function choose(change) {
  const before = { ...chosen };
  Object.assign(chosen, change);
  // Another layer may have fewer units.
  chosen.unit = Math.min(chosen.unit, unitCount() - 1);
  const changed = (...keys) => keys.some((key) => chosen[key] !== before[key]);
  byId('unit').max = unitCount() - 1;
  byId('unit').value = chosen.unit;
  byId('colour').value = chosen.colour;
  if (changed('layer', 'order')) {
    orderRows();
    buildMaps();
  }
  if (changed('layer')) drawMovers();
  if (changed('layer', 'unit')) drawSaturation();
  if (changed('layer', 'unit', 'step')) drawLines();
  drawText();
  drawCrosses();
  read(chosen);
}

function drawAll() {
  readPalette();
  orderRows();
  buildMaps();
  drawMovers();
  drawSaturation();
  drawLines();
  drawText();
  drawCrosses();
  read(chosen);
}

/* ---- the beginning ---- */

const sizes = data.layers.map((layer) => layer.d_hidden);
const size = sizes.every((size) => size === sizes[0]) ? sizes[0] : sizes.join(', ');
const nats = steps.reduce((sum, step) => sum + (step.surprisal ?? 0), 0);
byId('summary').textContent = [
  data.model,
  `${data.cell}, ${data.layers.length} ${data.layers.length === 1 ? 'layer' : 'layers'} of ${size} units`,
  `${count - 1} tokens, ${data.unknown} of them unknown`,
  `perplexity ${Math.exp(nats / (count - 1)).toFixed(2)}`,
].join(' · ');
data.layers.forEach((_, index) => byId('layer').append(element('option', { value: index }, String(index + 1))));
byId('colour').append(
  element('option', { value: 'surprisal' }, 'surprisal'),
  ...layer().map((series, index) => element('option', { value: index }, `the unit's ${series.symbol}, ${series.name}`)),
);
byId('unit').max = unitCount() - 1;
chosen.unit = states()[0].movements[0].unit;
byId('unit').value = chosen.unit;
byId('layer').addEventListener('change', (event) => choose({ layer: Number(event.target.value) }));
byId('colour').addEventListener('change', (event) => choose({ colour: event.target.value }));
byId('order').addEventListener('change', (event) => choose({ order: event.target.value }));
byId('unit').addEventListener('input', (event) => {
  const unit = Number(event.target.value);
  if (event.target.value !== '' && Number.isInteger(unit) && unit >= 0 && unit < unitCount()) choose({ unit });
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
let width = innerWidth;
addEventListener('resize', () => {
  // A phone's address bar comes and goes: only another width changes anything.
  if (innerWidth === width) return;
  width = innerWidth;
  drawAll();
});
buildText();
drawAll();
