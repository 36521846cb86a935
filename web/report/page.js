/* What the page's parts share: the data, which data set is shown, and the address' fragment, in which
 * all that was chosen stands. A part is a section of the page and a function:
 *
 *   lopPage.part("pad", (section, page) => (block) => { draw for the data set with this index });
 *
 * The outer function is called once; where it returns nothing, there is nothing to show and the section
 * stays hidden. The inner one is called whenever something has to be drawn anew: another data set,
 * another theme, another width. A part's section is hidden where networksOf(block) is empty and the
 * part asked for `networks`. */
const lopPage = (function () {
  "use strict";

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  /* JSON that stands in the page deflated. */
  const inflated = (id) => JSON.parse(new TextDecoder().decode(lopInflate(bytes(document.getElementById(id).textContent))));
  const blocks = read("data"), networks = inflated("networks"), known = read("public");
  const parts = [];
  let shown = 0;

  /* What is chosen: kept in the fragment, so that an address shows what its sender saw. */
  const choices = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");

  function get(name, otherwise) {
    return choices.has(name) ? choices.get(name) : otherwise;
  }

  function set(name, value) {
    if (value === null || value === undefined || value === "") choices.delete(name);
    else choices.set(name, value);
    const text = choices.toString();
    try {
      history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
    } catch (refused) {
      location.hash = text;
    }
  }

  /* Networks ------------------------------------------------------------------------------------ */

  const original = (network) => (network.same === undefined ? network : networks[network.same]);
  /* Packed networks of a data set: { series, k, seed, bytes, file, test_accuracy, missing }. */
  const networksOf = (block) => networks.filter((network) => network.block === block);
  const insideOf = (network) => original(network).inside;
  const planOf = (network) => original(network).plan;

  /* The file itself, or null where the page does not carry it. */
  function bytesOf(network) {
    const data = original(network).data;
    return data === undefined ? null : bytes(data);
  }

  const carries = (network) => original(network).data !== undefined;

  const nameOf = (network) => blocks[network.block].series[network.series].name;

  /* Parts --------------------------------------------------------------------------------------- */

  function part(id, build) {
    const section = document.getElementById(id);
    const draw = build(section, lopPage);
    if (draw) parts.push({ section, draw });
  }

  function show(block) {
    shown = block;
    for (const { section, draw } of parts) section.hidden = draw(block) === false;
  }

  return { blocks, networks, known, get, set, networksOf, insideOf, planOf, bytesOf, carries, nameOf, inflated, part, show, shown: () => shown };
})();
