"""A run of adaq-run, quietly, and the JSON report that it writes."""
import json
import pathlib
import subprocess
import tempfile


def adaq_report(command):
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        subprocess.run([*command, "--report", str(report)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return json.loads(report.read_text())
