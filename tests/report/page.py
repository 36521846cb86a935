"""Looks at a report page as a browser does. Usage: page.py REPORT_DRAW

The policy's hashes are computed anew, and so are the curves of each epoch, from epochs.csv. The page
is opened in headless Chromium, where its charts must be drawn and nothing may be said on the
console; then a copy of it in which a script of this test's turns the switches. Exit status 77:
skipped, no Chromium.
"""
import base64
import csv
import hashlib
import html.parser
import json
import math
import re
import shutil
import statistics
import subprocess
import sys
import tempfile


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.policy, self.inside, self.bodies, self.ids = "", None, {"script": [], "style": []}, []
        self.data = False

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        assert "style" not in attributes, "the policy forbids style attributes"
        assert not any(name.startswith("on") for name in attributes), "no handlers in markup"
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag in self.bodies and attributes.get("type") not in ("application/json", "text/plain"):
            self.inside = tag
            self.bodies[tag].append("")

    def handle_data(self, data):
        if self.inside:
            self.bodies[self.inside][-1] += data

    def handle_endtag(self, tag):
        self.inside = None


def check_policy(path):
    page = Page()
    page.feed(open(path, encoding="utf-8", newline="").read())
    for kind in ("script", "style"):
        allowed = re.search(kind + r"-src((?: '[^']*')*)", page.policy).group(1).split()
        wanted = ["'sha256-%s'" % base64.b64encode(hashlib.sha256(b.encode()).digest()).decode()
                  for b in page.bodies[kind]]
        count = {"script": 11, "style": 3}[kind]
        if kind == "script":
            wanted.insert(0, "'wasm-unsafe-eval'")
        assert allowed == wanted and len(page.bodies[kind]) == count, (kind, allowed, wanted)
    assert page.policy.startswith("default-src 'none'; "), page.policy
    assert len(page.ids) == len(set(page.ids)), "identifiers must be unique"


def check_curves(page_path, csv_path):
    """Each mean and deviation of each epoch, by Python's statistics; a page has five digits."""
    seeds = {}
    with open(csv_path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = (row["dataset"], row["method"], float(row["target_sparsity"]), int(row["epoch"]))
            seeds.setdefault(key, []).append(row)
    text = open(page_path, encoding="utf-8", newline="").read()
    blocks = json.loads(re.search('id="data">(.*?)</script>', text, re.S).group(1))
    close = lambda a, b: math.isclose(a, b, rel_tol=6e-5, abs_tol=1e-12)
    compared = 0
    for block in blocks:
        for series in block["series"]:
            for point in series["points"]:
                curve = point["curve"]
                for name in set(curve) - {"epoch"}:
                    means, deviations = curve[name]
                    for epoch, mean, deviation in zip(curve["epoch"], means, deviations):
                        rows = seeds[block["dataset"], series["method"], point["k"], epoch]
                        values = [float(row[name]) for row in rows]
                        assert close(mean, statistics.mean(values)), (name, epoch, mean, values)
                        assert close(deviation, statistics.stdev(values)), (name, epoch, values)
                        compared += 1
    assert compared == len(seeds) * 7, compared


# What a reader does with switches, legend and numbers, and what is there before and after.
TURNED = """<script>
const said = [], $ = (what) => [...document.querySelectorAll("#block-0 " + what)];
const charts = () => $(".epochs .canvas").map((holder) => holder.chart);
const tell = () => said.push(charts().map((c) => [c.u.scales.x.min, c.u.scales.x.max, c.u.scales.y.min,
  c.u.scales.y.max, c.lines.filter((l) => !l.hidden).length, c.lines[0].points.length]));
const titles = () => said.push($(".epochs figcaption").map((c) => c.textContent));
const radio = (value) => $(".switch input[value=" + value + "]").pop().click();
/* Charts are drawn when a turn is over. */
const turns = [
  () => { tell(); titles(); $(".legend")[1].querySelectorAll("button")[9].click(); },
  () => { tell(); radio("close"); },
  () => { tell(); radio("valid"); titles(); $(".charts > .numbers")[0].open = true; },
  () => said.push($(".charts > .numbers table").map((t) => [t.rows.length, t.rows[0].cells.length]), $(".charts > .numbers td")[0].textContent),
  () => { document.title = JSON.stringify(said); },
];
(function next() { if (turns.length) { turns.shift()(); setTimeout(next, 200); } })();
</script></body>"""


def check_switches(browser, path, profile):
    text = open(path, encoding="utf-8", newline="").read()
    text = re.sub("<meta http-equiv=[^>]*>", "", text).replace("</body>", TURNED)
    with open(path + ".turned.html", "w", encoding="utf-8", newline="") as file:
        file.write(text)
    page = browse(browser, path + ".turned.html", profile)
    before, titles, hidden, close, turned, tables, cell = json.loads(
        html.unescape(re.search("<title>(.*?)</title>", page).group(1)))
    assert titles == [f"{what}, pruned by {method}"
                      for what in ("Test accuracy", "Test loss", "Weights gone")
                      for method in ("weight", "unit")], titles
    assert turned[0] == "Validation accuracy, pruned by weight", turned
    for left, right in (before[0:2], before[2:4], before[4:6], close[0:2]):
        assert left == right, "charts side by side have the same axes and lines"
    assert [chart[4:] for chart in before] == [[10, 20]] * 6, before
    assert [chart[4] for chart in hidden] == [9] * 6, "one line of ten is hidden"
    assert hidden[2][3] < before[2][3], "the loss of k = 99 % was the highest"
    assert before[0][:2] == [1, 20] and before[0][2] < 20 and close[0][2] > 90, (before, close)
    assert tables == [[21, 11]] * 4, "20 epochs and a head, ten sparsities and the epoch"
    assert re.fullmatch(r"\d\d\.\d\d ± \d\.\d\d", cell), cell


def browse(browser, path, profile):
    run = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--user-data-dir=" + profile, "--enable-logging=stderr", "--virtual-time-budget=3000",
         "--window-size=1280,2000", "--dump-dom", "file://" + path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, text=True)
    said = [line for line in run.stderr.splitlines() if "CONSOLE" in line]
    assert not said, said
    return run.stdout


def check_in_browser(browser, path, profile):
    page = browse(browser, path, profile)
    charts = len(re.findall(r'<div class="uplot', page))
    assert charts == 8, "expected 8 charts in the section shown, found %d" % charts
    assert page.count('aria-pressed="true">mnist</button>') == 1, "the chooser"


with tempfile.TemporaryDirectory() as place:
    subprocess.run([sys.argv[1], place], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    check_policy(place + "/report.html")
    check_curves(place + "/report.html", place + "/epochs.csv")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        print("skipped: no Chromium to open the page in")
        sys.exit(77)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        check_in_browser(chromium, place + "/report.html", profile)
        check_switches(chromium, place + "/report.html", profile)
