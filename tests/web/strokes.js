/* An image of a digit as the strokes of a pen: thinned to lines of one pixel, which are then walked. */
"use strict";

const FINE = 4; /* the image is enlarged first, so that lines come out smooth */

/* { size, ink }: enlarged by linear interpolation, and where it is bright enough. */
function enlarge(image, side) {
  const size = side * FINE, ink = new Uint8Array(size * size);
  const value = (x, y) => (x < 0 || y < 0 || x >= side || y >= side ? 0 : image[y * side + x]);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const u = (x + 0.5) / FINE - 0.5, v = (y + 0.5) / FINE - 0.5, i = Math.floor(u), j = Math.floor(v), a = u - i, b = v - j;
      const mixed = (1 - b) * ((1 - a) * value(i, j) + a * value(i + 1, j)) + b * ((1 - a) * value(i, j + 1) + a * value(i + 1, j + 1));
      ink[y * size + x] = mixed > 110 ? 1 : 0;
    }
  return { size, ink };
}

/* Neighbours in the order of Zhang and Suen (1984), from the one above, clockwise. */
const AROUND = [[0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1]];

function around(size, ink, x, y) {
  return AROUND.map(([dx, dy]) => (x + dx < 0 || y + dy < 0 || x + dx >= size || y + dy >= size ? 0 : ink[(y + dy) * size + x + dx]));
}

/* Zhang and Suen's thinning. */
function thin(size, ink) {
  for (let changed = true; changed;) {
    changed = false;
    for (const odd of [0, 1]) {
      const gone = [];
      for (let y = 0; y < size; y++)
        for (let x = 0; x < size; x++) {
          if (!ink[y * size + x]) continue;
          const p = around(size, ink, x, y), count = p.reduce((a, b) => a + b, 0);
          const turns = p.filter((v, i) => !v && p[(i + 1) % 8]).length;
          const corners = odd ? p[0] * p[2] * p[6] || p[0] * p[4] * p[6] : p[0] * p[2] * p[4] || p[2] * p[4] * p[6];
          if (count >= 2 && count <= 6 && turns === 1 && !corners) gone.push(y * size + x);
        }
      gone.forEach((at) => { ink[at] = 0; });
      changed = changed || gone.length > 0;
    }
  }
}

/* Lines through all that is left, each begun at an end or where another passed. Coordinates 0 … 1. */
function walk(size, ink) {
  const left = new Set(), strokes = [];
  ink.forEach((value, at) => { if (value) left.add(at); });
  const near = (at, among) => AROUND.map(([dx, dy]) => at + dy * size + dx)
    .filter((next) => among(next) && Math.abs(next % size - at % size) <= 1);
  const ends = () => [...left].find((at) => near(at, (n) => ink[n]).length === 1);
  while (left.size) {
    let at = ends();
    if (at === undefined) at = left.values().next().value;
    const before = near(at, (n) => ink[n] && !left.has(n))[0], line = before === undefined ? [] : [before];
    for (; at !== undefined; at = near(at, (n) => left.has(n))[0]) {
      left.delete(at);
      line.push(at);
    }
    const behind = near(line[line.length - 1], (n) => ink[n] && !line.includes(n))[0];
    if (behind !== undefined) line.push(behind);
    strokes.push(line.filter((p, i) => i % 3 === 0 || i === line.length - 1)
      .map((p) => [(p % size + 0.5) / size, (Math.floor(p / size) + 0.5) / size]));
  }
  return strokes;
}

function strokesOf(image, side) {
  const { size, ink } = enlarge(image, side);
  thin(size, ink);
  return walk(size, ink);
}

module.exports = { strokesOf };
