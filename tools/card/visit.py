"""A visit to a card: steps in their order, each with a limit of its own, within a time in all. A step that fails, crashes or hangs is a result
like any other, and the next one follows; what no longer fits is skipped and said."""
import json
import os
import pathlib
import subprocess
import time
import traceback

from archive import Archive
from runner import Clock, Done, Failed, Job, OutOfTime, Stopped, run_jobs

LEAST_SECONDS = 3  # with less left no step is begun
NO_CARD = "no card can be used"


class Step:
    """What a step's function gets: it runs programs, tells rows and may raise Failed."""

    def __init__(self, visit, name, limit):
        self.visit, self.name = visit, name
        self.limit, self.started = limit, time.monotonic()
        self.followed, self.take, self.read = None, None, 0

    def left(self):
        return min(self.limit - (time.monotonic() - self.started), self.visit.clock.left())

    def tell(self, **values):
        self.visit.archive.add("result", step=self.name, **values)

    def starter(self, command, log_name, limit=None, env=None):
        """A function that starts the program; its output is kept under `log_name`."""
        log = self.visit.logs / f"{self.name.replace(' ', '-')}-{log_name}.txt"

        def start():
            left = min(self.left(), limit or self.limit)
            if left < 1:
                raise OutOfTime("no time left")
            self.visit.archive.keep(log)
            return Job(command, log, left, {**self.visit.environment, **(env or {})})

        return start

    def run_all(self, starters, parallel=1):
        return run_jobs(starters, parallel, self.tick)

    def run(self, command, log_name="output", limit=None, env=None) -> Done:
        return next(iter(self.run_all([self.starter(command, log_name, limit, env)])))[1]

    def must(self, command, log_name="output", limit=None, env=None, **found):
        """The same, where anything but exit status 0 is the step's failure."""
        done = self.run(command, log_name, limit, env)
        if not done.fine:
            raise (OutOfTime if done.status is None else Failed)(done.verdict(), output=done.tail(), **found)
        return done

    def follow(self, path, take):
        """Calls take(row) for each line of JSON that a program appends to `path`, while it runs."""
        self.followed, self.take, self.read = path, take, 0
        self.visit.archive.keep(path)

    def take_rows(self):
        if not self.followed or not self.followed.exists():
            return
        with open(self.followed, "rb") as file:
            file.seek(self.read)
            whole, newline, _ = file.read().rpartition(b"\n")
        self.read += len(whole) + len(newline)
        for line in whole.splitlines():
            try:
                self.take(json.loads(line))
            except ValueError:
                pass  # a program that crashed within a line

    def tick(self):
        self.take_rows()
        self.visit.archive.refresh(now=False)
        if self.left() < 0:
            raise OutOfTime(f"stopped after {time.monotonic() - self.started:.0f} s")


class Visit:
    def __init__(self, args, number, steps):
        self.args, self.number, self.steps = args, number, steps
        self.clock = Clock(args.budget)
        self.out, self.work = pathlib.Path(args.out), pathlib.Path(args.work)
        self.logs = self.work / f"visit-{number}"
        self.logs.mkdir(parents=True, exist_ok=True)
        for old in self.logs.iterdir():
            old.unlink()
        self.environment = dict(os.environ)
        self.archive = Archive(self.out, number)
        self.background = None  # a Job that runs beside the first steps
        self.failed = []

    def run(self):
        a = self.args
        self.archive.add("visit", visit=self.number, date=time.strftime("%Y-%m-%d", time.gmtime()), commit=commit(a), budget=a.budget, images=a.images,
                         iterations=a.iters, device=a.device, steps=[name for name, _, _ in self.steps])
        reason = "every step had its turn"
        try:
            for name, limit, work in self.steps:
                if not self.step(name, a.limit.get(name, limit), work):
                    reason = NO_CARD
                    break
        except Stopped as stopped:
            reason = f"stopped by {stopped}"
        finally:
            if self.background:
                self.background.end()
            self.archive.add("over", reason=reason)
            self.archive.refresh()
        print(f"{len(self.failed)} steps failed: {', '.join(self.failed)}" if self.failed else "no step failed")
        return 0 if reason == "every step had its turn" and not self.failed else 1

    def step(self, name, limit, work):
        """False where nothing after it makes sense."""
        if self.clock.left() < LEAST_SECONDS:
            self.end(name, "skipped", 0.0, {"why": "no time left"})
            return True
        step = Step(self, name, limit)
        self.archive.add("begin", step=name, limit=round(min(limit, self.clock.left()), 1))
        status, found = "passed", {}
        try:
            try:
                found = work(step) or {}
            finally:
                step.take_rows()  # what it wrote last
            status = found.pop("status", status)
        except OutOfTime as late:
            status, found = "too slow", {"why": str(late), **late.result}
        except Failed as failure:
            status, found = "failed", {"why": str(failure), **failure.result}
        except Stopped:
            self.end(name, "stopped", time.monotonic() - step.started, {})
            raise
        except Exception as error:  # ours: the next step may fare better
            status, found = "failed", {"why": f"{type(error).__name__}: {error}", "output": traceback.format_exc()[-1500:]}
        self.end(name, status, time.monotonic() - step.started, found)
        return found.get("why") != NO_CARD

    def end(self, name, status, seconds, found):
        if status not in ("passed", "skipped"):
            self.failed.append(name)
        self.archive.add("end", step=name, status=status, seconds=round(seconds, 1), **found)
        print(f"{name:28} {status:9} {seconds:7.1f} s  {found.get('why', '')}", flush=True)
        self.archive.refresh()

    def program(self, name):
        return pathlib.Path(self.args.programs) / name


def commit(args):
    """Of what runs here: tools/gpu_check.sh build leaves it beside the programs, where there is no git."""
    left = pathlib.Path(args.programs) / "commit.txt"
    if left.exists():
        return left.read_text().strip()
    root = pathlib.Path(__file__).resolve().parent.parent.parent
    try:
        return subprocess.run(["git", "-C", str(root), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
