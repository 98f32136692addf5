"""Programs with a time limit each, whose whole process group ends with them, and the time that a visit has in all."""
import ctypes
import os
import signal
import subprocess
import sys
import time

SETTLE_SECONDS = 2  # of a visit's time, kept for writing
PR_SET_PDEATHSIG = 1


class Failed(Exception):
    """A step's own verdict, with what it found so far in `result`."""

    def __init__(self, message, **result):
        super().__init__(message)
        self.result = result


class OutOfTime(Failed):
    """The visit's time is over, or the step's."""


class Stopped(BaseException):
    """SIGTERM or Ctrl-C: the visit is over."""


class Done:
    """One program that has ended: its exit status (None where it was stopped), its output and what it took."""

    def __init__(self, status, text, seconds, limit):
        self.status, self.text, self.seconds, self.limit = status, text, seconds, limit

    @property
    def fine(self):
        return self.status == 0

    def verdict(self):
        if self.status is None:
            return f"stopped after {self.limit:.0f} s"
        if self.status < 0:
            return f"killed by {signal.Signals(-self.status).name}"
        return "passed" if self.status == 0 else f"exit status {self.status}"

    def tail(self, characters=1500):
        return self.text[-characters:]


class Clock:
    def __init__(self, budget):
        self.started, self.budget = time.monotonic(), budget

    def left(self):
        return self.budget - SETTLE_SECONDS - (time.monotonic() - self.started)


def child_setup():
    os.setsid()
    if sys.platform == "linux":  # a visit that is killed leaves nothing behind on the card
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Job:
    """One program under way; its output goes to a file."""

    def __init__(self, command, log, limit, env=None):
        self.log, self.limit, self.started = log, limit, time.monotonic()
        self.file = open(log, "wb")
        try:
            self.process = subprocess.Popen([str(word) for word in command], stdout=self.file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                            env=env, preexec_fn=child_setup)
        except OSError as error:
            self.file.close()
            raise Failed(f"{command[0]}: {error.strerror}") from error

    def over(self):
        """None while it runs."""
        late = time.monotonic() - self.started > self.limit
        status = self.process.poll()
        if status is None and not late:
            return None
        self.end()
        return Done(status, self.log.read_text(errors="replace"), time.monotonic() - self.started, self.limit)

    def end(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.file.close()


def run_jobs(starters, parallel, tick):
    """Starts each (a function that gives a Job) as there is room; yields (index, Done) in the order in which they end. Ends them all where
    the caller stops early."""
    waiting, running = list(enumerate(starters)), {}
    try:
        while waiting or running:
            while waiting and len(running) < parallel:
                index, start = waiting.pop(0)
                running[index] = start()
            for index in list(running):
                done = running[index].over()
                if done is not None:
                    del running[index]
                    yield index, done
            tick()
            time.sleep(0.02)
    finally:
        for job in running.values():
            job.end()
