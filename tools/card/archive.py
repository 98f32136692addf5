"""What a visit to a card leaves behind: OUT/visit-N.jsonl, OUT/visit-N.tar.gz and OUT/visit-N.md, three files however many steps there are
(visit-N-2 and so on where it is repeated).

The first is the archive proper, a JSON object a line, written and flushed as things happen: a visit that is killed loses nothing. The second
holds each step's whole output, made anew beside the old one and renamed, behind every step and every few seconds while one runs. The third is
the page for people (page.py), made from the first.

Rows: {"row": "visit", ...}, {"row": "begin", "step": ...}, {"row": "result", "step": ...} as often as a step has something to tell,
{"row": "end", "step": ..., "status": ...}, {"row": "over", "reason": ...}.
"""
import json
import os
import tarfile
import time

import page

REFRESH_SECONDS = 10
LONGEST_LOG = 1_000_000  # bytes of one output that are kept: its beginning and its end


class Archive:
    def __init__(self, out, number):
        self.stem = free_stem(out, number)
        self.logs = []  # (name in the tar, path)
        self.rows = []
        self.started = time.monotonic()
        self.refreshed = self.started
        out.mkdir(parents=True, exist_ok=True)
        self.file = open(self.path(".jsonl"), "w", encoding="utf-8")

    def path(self, suffix):
        return self.stem.with_name(self.stem.name + suffix)

    def add(self, row, **values):
        entry = {"row": row, **values, "at": round(time.monotonic() - self.started, 1)}
        self.rows.append(entry)
        self.file.write(json.dumps(entry) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())

    def keep(self, path, name=None):
        """A file that goes into the tar as it stands whenever that is made."""
        entry = (name or path.name, path)
        if entry not in self.logs:
            self.logs.append(entry)

    def refresh(self, now=True):
        """Makes the tar and the page anew; now=False: only where that was long ago."""
        if not now and time.monotonic() - self.refreshed < REFRESH_SECONDS:
            return
        self.refreshed = time.monotonic()
        beside = self.path(".new")
        with tarfile.open(beside, "w:gz", compresslevel=1) as tar:
            for name, path in self.logs:
                if path.exists():
                    add_capped(tar, name, path)
            tar.add(self.path(".jsonl"), "visit.jsonl")
        os.replace(beside, self.path(".tar.gz"))
        beside.write_text(page.markdown(self.rows), encoding="utf-8")
        os.replace(beside, self.path(".md"))


def free_stem(out, number):
    """OUT/visit-1; where that has been, OUT/visit-1-2 and so on: a visit that is repeated takes nothing away."""
    stem, attempt = out / f"visit-{number}", 1
    while stem.with_name(stem.name + ".jsonl").exists():
        attempt += 1
        stem = out / f"visit-{number}-{attempt}"
    return stem


def add_capped(tar, name, path):
    import io
    data = path.read_bytes()
    if len(data) > LONGEST_LOG:
        half = LONGEST_LOG // 2
        data = data[:half] + f"\n... {len(data) - 2 * half:,} bytes left out ...\n".encode() + data[-half:]
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = len(data), int(path.stat().st_mtime)
    tar.addfile(entry, io.BytesIO(data))


def read_rows(path):
    """The rows of an archive; a last line that was being written when the visit was killed is left out."""
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    if not rows or rows[0].get("row") != "visit":
        raise SystemExit(f"{path}: not an archive of a visit: its first line is none that tells of one")
    return rows
