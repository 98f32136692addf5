"""The page of one visit to a card or of both, in Markdown, from an archive's rows; whole or cut short."""

KERNELS_SHOWN = 20
# The seconds that each method may take on an H200-class card at 20,000 iterations and bf16.
TARGETS = {"brecq": 60, "qdrop": 90, "pdquant": 180, "adaround": 120}


class Rows:
    """Of one visit: its head, and by step what it told and how it ended."""

    def __init__(self, rows):
        self.head, self.told, self.ends, self.begun, self.over = rows[0], {}, {}, [], None
        for row in rows[1:]:
            if row["row"] == "begin":
                self.begun.append(row["step"])
            elif row["row"] == "result":
                self.told.setdefault(row["step"], []).append(row)
            elif row["row"] == "end":
                self.ends[row["step"]] = row
            elif row["row"] == "over":
                self.over = row["reason"]


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "| --- " * len(heads) + "|"]
    return "\n".join(lines + ["| " + " | ".join("–" if cell is None else str(cell) for cell in row) + " |" for row in rows]) + "\n\n"


def code(text):
    return "`" + str(text).replace("`", "'").replace("|", "\\|").replace("\n", " ") + "`"


def markdown(*archives):
    visits = [Rows(rows) for rows in archives]
    told, ends = {}, {}
    for one in visits:
        told.update(one.told)
        ends.update({step: end for step, end in one.ends.items() if end["status"] != "skipped" or step not in ends})
    card = next((row["card"] for row in told.get("card", []) if row.get("card")), None)
    text = f"# {(card or 'no card').split(',')[0]}\n\n"
    for one in visits:
        head = one.head
        text += f"Visit {head['visit']} on {head['date']}, adaq at {head['commit']}: {one.over or 'not over: killed, or still running'}. "
    head = visits[0].head
    text += f"ResNet18 at 224×224, {head['images']:,} calibration images, batch 32.\n\n"
    for part in (about, reconstructions, units, convolutions, operations, kernels, suites, steps_table):
        text += part(visits, told, ends)
    return text


def about(_, told, ends):
    row = {**(told.get("card") or [{}])[0], **ends.get("card", {})}
    facts = [row.get("card"), row.get("machine"), row.get("libraries")]
    facts += [", ".join(f"{name} {version}" for name, version in sorted((row.get("packages") or {}).items()))]
    return "".join(f"- {fact}\n" for fact in facts if fact) + "\n"


def reconstructions(_, told, ends):
    rows = []
    for step, end in ends.items():
        if "reconstruction" not in end:
            continue
        other = ends.get(f"yardstick {end['method']}", {}).get("scaled")
        rows.append([step, f"W{end['w']}A{end['a']}", f"{end['iterations']:,}", end["reconstruction"], end["whole"], end["scaled"], TARGETS.get(end["method"]),
                     end["memory_mib"], other, f"{other / end['scaled']:.1f}×" if other and end["scaled"] else None])
    if not rows:
        return ""
    return ("## Reconstruction\nSeconds. The yardstick is the same method in plain PyTorch on the same card, its iterations alone and without their "
            "warm-up; adaq's seconds hold the way through both networks, too.\n\n"
            + table(["", "bits", "iterations", "reconstruction", "whole run", "at 20,000", "target", "memory, MiB", "yardstick at 20,000", "ratio"], rows))


def units(_, told, ends):
    text = ""
    for step, rows in told.items():
        parts = [f"{r['unit']}{' scales' if r['phase'] == 'scales' else ''} {1e3 * r['seconds'] / r['iterations']:.2f} ms" + (f" ({r['tflops']} TFLOP/s)" if "tflops" in r else "")
                 for r in rows if "unit" in r and r.get("iterations")]
        if parts and step != "same bits":
            text += f"{step}, an iteration: {', '.join(parts)}.\n\n"
    return text


def convolutions(_, told, ends):
    text = ""
    for step, rows in told.items():
        rows = [r for r in rows if "direction" in r]
        if not rows:
            continue
        end = ends.get(step, {})
        text += f"## {step}\n{end.get('machine') or ends.get('card', {}).get('machine', '')}. Beside {rows[0]['yardstick']}:\n\n"
        text += table(["direction", "batch", "layer", "times", "x and dy", "best, µs", "TFLOP/s", "of peak", "library", "ratio"],
                      [[r["direction"], r["batch"], r["layer"], r["count"], r["operands"], f"{r['seconds_best'] * 1e6:.1f}", f"{r['gflops'] / 1e3:.1f}",
                        f"{r['share_of_peak'] * 100:.0f} %", f"{r['yardstick_gflops'] / 1e3:.1f}", f"{r['ratio']:.2f}"] for r in rows])
        text += "".join(f"- {mean}\n" for mean in end.get("means", [])) + "\n"
    return text


def operations(_, told, ends):
    rows = [r for r in told.get("operations", []) if "operation" in r]
    if not rows:
        return ""
    rows.sort(key=lambda r: r["share_of_copying"])
    return "## Other operations\n" + ends.get("operations", {}).get("machine", "") + "\n\n" + table(
        ["operation", "shape", "best, µs", "GB/s", "of copying"],
        [[r["operation"], "×".join(map(str, r["shape"])), f"{r['seconds_best'] * 1e6:.1f}", f"{r['gigabytes_per_second']:.0f}", f"{r['share_of_copying'] * 100:.0f} %"] for r in rows])


def kernels(_, told, ends):
    rows = [r for r in told.get("profile", []) if "kernel" in r]
    if not rows:
        return ""
    shares = [key for key in rows[0] if key.endswith("throughput")]
    whole = sum(r["microseconds"] for r in rows) or 1.0
    return ("## One iteration of each unit of brecq, kernel by kernel\n"
            + table(["kernel", "launches", "µs", "of all"] + [share.replace("__throughput", "").replace("_throughput", "") + ", %" for share in shares],
                    [[code(r["kernel"]), r["launches"], r["microseconds"], f"{100 * r['microseconds'] / whole:.1f} %"] + [r[share] for share in shares]
                     for r in rows[:KERNELS_SHOWN]]))


def suites(_, told, ends):
    rows = [r for r in told.get("suites", []) if "suite" in r]
    if not rows:
        return ""
    text = f"## Tests\n{len(rows)} suites, {sum(r['cases'] or 0 for r in rows)} cases.\n\n"
    for row in rows:
        if row["verdict"] != "passed":
            text += f"- **{row['suite']}**: {row['verdict']}, {row['failed'] if row['failed'] is not None else '?'} cases failed. {code(row.get('output', '')[-600:])}\n"
    for row in told["suites"]:
        if "step_by_step" in row:
            text += f"- {row['step_by_step']}, step by step: {row['verdict']}. {code(row['output'][-600:])}\n"
    return text + "\n"


def steps_table(visits, told, ends):
    text = "## Steps\n"
    rows = []
    for one in visits:
        for step in one.head["steps"]:
            end = one.ends.get(step)
            status = end["status"] if end else ("was running when the visit ended" if step in one.begun else "not begun")
            found = [str(end[key]) for key in ("why", "summary") if end and end.get(key)]
            if end and "cpu" in end:
                found.append(f"of {end['images']:,} images right: {end['here']:,}, on a CPU {end['cpu']:,}")
            rows.append([one.head["visit"], step, status, end["seconds"] if end else None, "; ".join(found).replace("|", "\\|") or None])
    text += table(["visit", "step", "", "s", "found"], rows)
    for step, end in ends.items():
        if end.get("output") and end["status"] != "passed":
            text += f"{step}: {code(end['output'][-1200:])}\n\n"
    return text.rstrip("\n") + "\n"
