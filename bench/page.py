"""Tables and figures of docs/performance.md: what stands between two marks in it is written anew."""

import os
import subprocess
import sys

import limits
from common import instruction_sets, machine_name
from inference import ENGINES, TITLES, table_rows
from networks import NAMES

# Engine: colour and width of its line.
LINES = {
    "lop-int8": ("#d62728", 3),
    "lop-float32": ("#ff9896", 3),
    "onnxruntime-int8": ("#1f77b4", 2),
    "onnxruntime-float32": ("#aec7e8", 2),
    "onednn-int8": ("#2ca02c", 2),
    "onednn-bf16": ("#98df8a", 2),
    "onednn-float32": ("#c5b0d5", 2),
    "pytorch-float32": ("#8c564b", 2),
    "graphblas-float32": ("#7f7f7f", 2),
}


def replace_block(text, name, lines):
    """What stands between the marks of a name."""
    begin, end = "<!-- %s -->\n" % name, "<!-- /%s -->" % name
    if begin not in text or end not in text:
        raise SystemExit("bench: the page has no marks <!-- %s --> … %s" % (name, end))
    before, rest = text.split(begin, 1)
    return before + begin + "\n" + "\n".join(lines) + "\n\n" + end + rest.split(end, 1)[1]


def markdown_table(head, rows, left=1):
    """The first `left` columns to the left, the others to the right."""
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return ["| " + " | ".join(row) + " |" for row in [head, rule] + rows]


def target_lines(tables, notes, options):
    rows = [row[:-1] + [row[-1].lower()] for name in ("inference", "packing", "training")
            if name in tables for row in tables[name].rows]
    how = ("the short run (`--quick`): %d turns of %g s, networks of %d + %d epochs" if options.quick
           else "the whole run: %d turns of %g s, networks of %d + %d epochs") % (
               options.turns, options.seconds, options.epochs, options.retraining)
    lines = ["Machine: %s, %d cores; %s." % (machine_name(), os.cpu_count(), instruction_sets()),
             "Figures are of %s." % how, ""]
    lines += ["%d of %d targets are met." % (sum(row[-1] == "met" for row in rows), len(rows)), ""]
    lines += markdown_table(["", "target", "measured", ""], rows)
    if notes.texts:
        lines += [""] + ["(%d) %s  " % (i + 1, text) for i, text in enumerate(notes.texts)]
    return lines


def table_lines(work, images):
    lines = []
    for shape in work.options.shapes:
        for batch in work.options.batches:
            lines += ["### %s, batch %d" % (NAMES[shape], batch), ""]
            image = draw(work, shape, batch, images)
            if image:
                lines += ["![µs a sample by k: %s, batch %d, one core](%s)" %
                          (NAMES[shape], batch, image), ""]
            for threads in work.options.threads:
                head = ["k %"] + [title for _, title in ENGINES]
                lines += ["%s, µs a sample:" % ("One core" if threads == 1 else "%d cores" % threads),
                          ""]
                lines += markdown_table(head, table_rows(work, shape, batch, threads), 0) + [""]
    return lines[:-1]


def setting_lines(work):
    """The settings that each engine chose, and how often."""
    chosen = {}
    for row in work.rows:
        of = chosen.setdefault(row["engine"], {}).setdefault((row["batch"], row["threads"]), {})
        of[row["setting"]] = of.get(row["setting"], 0) + 1
    rows = []
    for engine, cells in chosen.items():
        for (batch, threads), settings in sorted(cells.items()):
            most = max(settings, key=settings.get)
            rows.append([TITLES[engine], str(batch), str(threads), most])
    return markdown_table(["engine", "batch", "threads", "setting chosen most"], rows)


def draw(work, shape, batch, images):
    """A figure by gnuplot: its name, or None where there is no gnuplot."""
    name = "performance-%s-%d.png" % (shape, batch)
    ks = work.options.sparsities
    blocks, plots = [], []
    for engine, title in ENGINES:
        times = [work.us(engine, k, batch, 1, "weight", shape) for k in ks]
        if not any(times):
            continue
        colour, width = LINES[engine]
        block = "$d%d << END\n" % len(blocks)
        for i, time in enumerate(times):
            if time:
                block += "%d %g\n" % (i, time / batch)
        blocks.append(block + "END")
        plots.append('$d%d with linespoints lw %d pt 7 ps 0.7 lc rgb "%s" title "%s"' %
                     (len(blocks) - 1, width, colour, title))
    tics = ", ".join('"%d" %d' % (k, i) for i, k in enumerate(ks))
    script = "\n".join([
        'set terminal pngcairo size 900,560 font "sans,11"',
        'set output "%s"' % os.path.join(images, name),
        'set title "%s, batch %d, one core"' % (NAMES[shape], batch),
        'set logscale y', 'set grid ytics lc rgb "#dddddd"', 'set xtics (%s)' % tics,
        'set xlabel "weights pruned, %"', 'set ylabel "microseconds a sample"',
        'set key outside right top', 'set xrange [-0.3:%g]' % (len(ks) - 0.7)] + blocks +
        ["plot " + ", \\\n  ".join(plots), ""])
    try:
        done = subprocess.run(["gnuplot"], input=script, capture_output=True, text=True)
    except FileNotFoundError:
        return None
    if done.returncode != 0:
        print("bench: gnuplot: " + done.stderr.strip(), file=sys.stderr)
        return None
    return "images/" + name


def limit_lines(results):
    if not results.get("limits"):
        return ["Not measured."]
    return ["The clock was %.2f GHz." % results["ghz"], ""] + markdown_table(limits.HEAD,
                                                                            results["limits"])


def difference_lines(work):
    """How far the outputs of each engine are from NumPy's in double, the worst of all networks."""
    rows = []
    for engine in TITLES:
        found = [row["largest_difference"] for row in work.rows if row["engine"] == engine]
        if found:
            rows.append([TITLES[engine], "%.1g" % max(found)])
    return markdown_table(["engine", "largest difference of an output"], rows)


def write(path, results, tables, notes, options):
    with open(path) as file:
        text = file.read()
    images = os.path.join(os.path.dirname(os.path.abspath(path)), "images")
    work = results.get("work")
    text = replace_block(text, "targets", target_lines(tables, notes, options))
    if work:
        text = replace_block(text, "tables", table_lines(work, images))
        text = replace_block(text, "settings", setting_lines(work))
        text = replace_block(text, "limits", limit_lines(results))
        text = replace_block(text, "differences", difference_lines(work))
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)
