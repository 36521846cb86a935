"""Looks at a report page as a browser does. Usage: page.py REPORT_DRAW

The policy's hashes are computed anew; the page is opened in headless Chromium, where its charts
must be drawn and nothing may be said on the console. Exit status 77: skipped, no Chromium.
"""
import base64
import hashlib
import html.parser
import re
import shutil
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
        if tag in self.bodies and attributes.get("type") != "application/json":
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
        assert allowed == wanted and len(wanted) == 2, (kind, allowed, wanted)
    assert page.policy.startswith("default-src 'none'; "), page.policy
    assert len(page.ids) == len(set(page.ids)), "identifiers must be unique"


def check_in_browser(browser, path, profile):
    run = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--user-data-dir=" + profile, "--enable-logging=stderr", "--virtual-time-budget=3000",
         "--window-size=1280,2000", "--dump-dom", "file://" + path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, text=True)
    said = [line for line in run.stderr.splitlines() if "CONSOLE" in line]
    assert not said, said
    charts = len(re.findall(r'<div class="uplot', run.stdout))
    assert charts == 4, "expected 4 charts in the section shown, found %d" % charts
    assert run.stdout.count('aria-pressed="true">mnist</button>') == 1, "the chooser"


with tempfile.TemporaryDirectory() as place:
    subprocess.run([sys.argv[1], place], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    check_policy(place + "/report.html")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        print("skipped: no Chromium to open the page in")
        sys.exit(77)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        check_in_browser(chromium, place + "/report.html", profile)
