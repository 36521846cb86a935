/* DEFLATE undone (RFC 1951), at once and in any browser: what is large in the page stands there deflated. */
const lopInflate = (function () {
  "use strict";

  const LENGTH = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
  const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
  const DISTANCE = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];
  const DISTANCE_BITS = DISTANCE.map((nothing, i) => Math.max(0, (i >> 1) - 1));
  const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

  /* A table over as many bits as the longest code has: symbol × 16 + length; 0 where there is no code. */
  function tableOf(lengths) {
    const bits = Math.max(1, ...lengths), entries = new Uint16Array(1 << bits), next = new Array(17).fill(0);
    for (const length of lengths) if (length) next[length + 1]++;
    for (let i = 1; i < 17; i++) next[i] = (next[i] + next[i - 1]) << 1;
    /* next[n] was the number of codes shorter than n, doubled each step: the first code of n bits. */
    lengths.forEach((length, symbol) => {
      if (!length) return;
      let code = next[length]++, turned = 0;
      for (let i = 0; i < length; i++, code >>= 1) turned = turned << 1 | code & 1;
      for (; turned < entries.length; turned += 1 << length) entries[turned] = symbol << 4 | length;
    });
    return { bits, entries };
  }

  const repeat = (count, value) => new Array(count).fill(value);
  const fixed = [tableOf([...repeat(144, 8), ...repeat(112, 9), ...repeat(24, 7), ...repeat(8, 8)]), tableOf(repeat(30, 5))];

  /* Raw DEFLATE to the bytes it stands for; Error where it is damaged. */
  return function (data) {
    let out = new Uint8Array(4 * data.length + 1024), size = 0, at = 0, held = 0, count = 0;

    function need(bits) {
      for (; count < bits; count += 8) held |= (at < data.length ? data[at] : 0) << count, at++;
      if (at > data.length + 4) throw new Error("the page is cut off");
    }

    function take(bits) {
      need(bits);
      const value = held & (1 << bits) - 1;
      held >>>= bits;
      count -= bits;
      return value;
    }

    function symbol(table) {
      need(table.bits);
      const entry = table.entries[held & (1 << table.bits) - 1], length = entry & 15;
      if (!length) throw new Error("the page is damaged");
      held >>>= length;
      count -= length;
      return entry >> 4;
    }

    function room(more) {
      if (size + more <= out.length) return;
      const larger = new Uint8Array(2 * out.length + more);
      larger.set(out.subarray(0, size));
      out = larger;
    }

    function stored() {
      at -= count >> 3; /* whole bytes that are held go back */
      held = count = 0;
      const length = data[at] | data[at + 1] << 8;
      room(length);
      out.set(data.subarray(at + 4, at + 4 + length), size);
      size += length;
      at += 4 + length;
    }

    function tables() {
      const literals = take(5) + 257, distances = take(5) + 1, codes = take(4) + 4, lengths = repeat(19, 0), all = [];
      for (let i = 0; i < codes; i++) lengths[ORDER[i]] = take(3);
      const table = tableOf(lengths);
      while (all.length < literals + distances) {
        const length = symbol(table);
        if (length < 16) all.push(length);
        else if (length === 16) all.push(...repeat(3 + take(2), all[all.length - 1]));
        else all.push(...repeat(length === 17 ? 3 + take(3) : 11 + take(7), 0));
      }
      return [tableOf(all.slice(0, literals)), tableOf(all.slice(literals, literals + distances))];
    }

    function block([literals, distances]) {
      for (let value; (value = symbol(literals)) !== 256;) {
        if (value < 256) {
          room(1);
          out[size++] = value;
          continue;
        }
        const length = LENGTH[value - 257] + take(LENGTH_BITS[value - 257]), code = symbol(distances);
        const distance = DISTANCE[code] + take(DISTANCE_BITS[code]);
        if (!(distance <= size)) throw new Error("the page is damaged");
        room(length);
        for (let i = 0; i < length; i++, size++) out[size] = out[size - distance];
      }
    }

    for (let last = false; !last;) {
      last = take(1) === 1;
      const kind = take(2);
      if (kind === 3) throw new Error("the page is damaged");
      if (kind === 0) stored();
      else block(kind === 1 ? fixed : tables());
    }
    return out.subarray(0, size);
  };
})();

if (typeof module !== "undefined") module.exports = lopInflate;
