"""The process around a command: closed, full and broken streams, narrow encodings, signals."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

COMMAND = [sys.executable, "-c", "from nmo_stats.cli import main; main()"]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="streams and signals of POSIX")
PERIODS = "patient,treatment,relapses,exposure_months\nÖzil ≤ 张,rituximab,3,12\nÖzil ≤ 张,tocilizumab,1,12\n"


def environment(**more):
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | more


def shell(text, *arguments, **more):
    """Run a line of shell in which "$@" is the command with its arguments."""
    return subprocess.run(
        ["bash", "-c", text, "bash", *COMMAND, *arguments],
        capture_output=True,
        check=False,
        env=environment(**more),
    )


@pytest.fixture
def periods(tmp_path):
    path = tmp_path / "periods.csv"
    path.write_text(PERIODS, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("arguments", [("template",), ("template", "--json"), ("check",), ("--help",)])
def test_a_full_disk_is_named_once(periods, arguments):
    given = (*arguments, periods) if arguments == ("check",) else arguments
    done = shell('"$@" > /dev/full', *given)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == ["nmo-stats: standard output: No space left on device"]


@pytest.mark.parametrize(
    ("closing", "code"), [(">&-", 0), ("2>&-", 0), ("<&- >&- 2>&-", 0), ("2>/dev/full", 0)]
)
def test_closed_streams_change_no_exit_code(periods, closing, code):
    assert shell(f'"$@" {closing}', "check", periods).returncode == code
    failed = shell(f'"$@" {closing}', "check", "nofile.csv")
    assert failed.returncode == 2
    assert b"Traceback" not in failed.stderr


def test_a_file_is_never_opened_as_a_closed_stream(tmp_path):
    done = shell('"$@" >&- 2>&-', "template", str(tmp_path / "periods.csv"))
    assert done.returncode == 0
    assert (tmp_path / "periods.csv").read_text(encoding="utf-8").startswith("patient,treatment")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("template",), 0), (("--help",), 0), (("check", "nofile.csv"), 2), (("nonsense",), 2), ((), 2)],
)
def test_a_reader_that_leaves_changes_no_exit_code(tmp_path, arguments, code):
    # the reader is gone before the first character is written
    line = (
        f'(sleep 0.3; "$@" 2> {tmp_path}/errors; echo $? > {tmp_path}/code) | true; cat {tmp_path}/errors >&2'
    )
    done = shell(line, *arguments)
    assert (tmp_path / "code").read_text(encoding="utf-8").strip() == str(code)
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    silent = shell(f'(sleep 0.3; "$@"; echo $? > {tmp_path}/code) 2>&1 | true', *arguments)
    assert (tmp_path / "code").read_text(encoding="utf-8").strip() == str(code)
    assert silent.stdout == b""


@pytest.mark.parametrize(
    "narrow",
    [
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""},
    ],
)
def test_narrow_encodings_get_all_of_the_text_and_valid_json(periods, narrow):
    text = shell('"$@"', "describe", periods, **narrow)
    assert (text.returncode, text.stderr) == (0, b"")
    assert rb"\u5f20" in text.stdout
    assert b"zil <= " in text.stdout
    document = shell('"$@"', "describe", periods, "--json", **narrow)
    assert document.stdout.isascii()
    assert json.loads(document.stdout)["arr"][0]["patient"] == "Özil ≤ 张"
    failed = shell('"$@"', "describe", "张.csv", **narrow)
    assert failed.returncode == 2
    assert b"Traceback" not in failed.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("delay", [0.4, 1.5, 4.0])
def test_a_signal_ends_a_command_quietly_and_leaves_nothing(tmp_path, number, delay):
    process = subprocess.Popen(
        [*COMMAND, "report", "--engine", "nuts"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    time.sleep(delay)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    if process.returncode == -number:  # it came before the first line of this program
        return
    assert process.returncode == 128 + number, err
    assert out == b""
    assert b"Traceback" not in err
    assert list(tmp_path.iterdir()) == []


SWALLOWED = """
import os, signal, time
from nmo_stats.cli.process import Stopped, stoppable

try:
    with stoppable():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except BaseException:
            {then}
except Stopped as stopped:
    raise SystemExit(stopped.exit_code)
"""


@pytest.mark.parametrize("then", ["pass", "raise ImportError from None", "time.sleep(3600)"])
def test_the_signal_that_a_library_swallows_still_ends_the_command(then):
    code = SWALLOWED.format(then=then)
    done = subprocess.run([sys.executable, "-c", code], env=environment(), check=False, timeout=600)
    assert done.returncode == 130
