"""The files of an earlier commit, beside the current tree, for scripts that compare the two."""
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


def unpack(commit):
    """The folder of its files, in build/baseline-COMMIT; kept for the next time."""
    name = subprocess.run(["git", "rev-parse", "--short=12", commit], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    source = ROOT / f"build/baseline-{name}"
    if not (source / "CMakeLists.txt").exists():
        source.mkdir(parents=True, exist_ok=True)
        archive = subprocess.run(["git", "archive", name], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "x", "-C", source], input=archive, check=True)
    return source
