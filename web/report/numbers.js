/* The table of all points: sorted by any column, and saved as CSV. */
(function () {
  "use strict";

  const { make } = lopChart;
  const { blocks } = lopPage;

  /* "1.45 MB" is shown; what is sorted by stands in data-value. */
  const valueOf = (row, column) => Number(row.cells[column].dataset.value || "NaN");

  /* Within each way of pruning; what is absent comes last, whichever way. */
  function sort(table, column, falling) {
    for (const body of table.tBodies) {
      const rows = [...body.rows].filter((row) => !row.classList.contains("series"));
      rows.sort((a, b) => {
        const x = valueOf(a, column), y = valueOf(b, column);
        if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y);
        return falling ? y - x : x - y;
      });
      body.append(...rows);
    }
  }

  function makeSortable(table) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (!table.querySelector("tbody tr:not(.series) > :nth-child(" + (column + 1) + ")[data-value]")) return;
      const button = make("button", { type: "button", class: "sort" }, ...head.childNodes);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const falling = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", falling ? "descending" : "ascending");
        sort(table, column, falling);
      });
    });
  }

  /* RFC 4180, and no cell that a spreadsheet would take for a formula. */
  function cell(value) {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return String(value);
    const text = /^[=+\-@\t\r]/.test(value) ? "'" + value : value;
    return /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  }

  function csvOf(block) {
    const points = block.series.flatMap((series) => series.points.map((point) => [series, point]));
    const fields = [...new Set(points.flatMap(([, p]) => Object.keys(p).filter((key) => Array.isArray(p[key]))))];
    const texts = ["method", "criterion", "scope", "schedule"];
    const head = ["dataset", "network", ...texts, "k", "seeds", ...fields.flatMap((field) => [field, field + "_sd"])];
    const rows = points.map(([series, p]) => [block.dataset, block.network, ...texts.map((t) => series[t]), p.k, p.seeds,
      ...fields.flatMap((field) => (p[field] ? p[field] : [null, null]))]);
    return [head, ...rows].map((row) => row.map(cell).join(",") + "\r\n").join("");
  }

  /* Made when it is asked for: a link to bytes in memory, and no request. */
  function save(name, text) {
    const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  blocks.forEach((block, index) => {
    const section = document.getElementById("table-" + index), name = block.dataset.replace(/[^\w.-]+/g, "_").slice(0, 40);
    makeSortable(section.querySelector("table"));
    section.querySelector("h2").after(make("p", {}, make("button", { type: "button", class: "save",
      onclick: () => save("lop-" + name + ".csv", csvOf(block)) }, "Save as CSV")));
  });
})();
