"""The folder of a report: whose it is, and that a run that dies leaves a whole report."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nmo_stats.errors import ArgumentError
from nmo_stats.report import folder as place
from nmo_stats.report.folder import PROVENANCE, recover, replace, require_replaceable, signed, strangers

FILES = ("index.html", "tables/arr.csv", "figures/forest.svg", "posterior.nc")


def filling(text):
    def fill(folder):
        for name in FILES:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        (folder / PROVENANCE).write_text(signed({"schema": 1}, folder), encoding="utf-8")

    return fill


def content(target):
    """Return the one text that all files of a whole report hold."""
    texts = {(target / name).read_text(encoding="utf-8") for name in FILES}
    assert len(texts) == 1
    assert not list(strangers(target))
    return texts.pop()


@pytest.fixture
def old(tmp_path):
    return replace(tmp_path / "report", filling("old"))


def beside(target):
    return sorted(path.name for path in target.parent.iterdir() if path != target)


def test_a_report_as_it_was_written_is_replaced(old):
    replace(old, filling("new"))
    assert content(old) == "new"
    assert beside(old) == []


def test_an_empty_folder_is_filled_and_parents_are_made(tmp_path):
    (tmp_path / "empty").mkdir()
    assert content(replace(tmp_path / "empty", filling("new"))) == "new"
    assert content(replace(tmp_path / "a" / "b", filling("new"))) == "new"


@pytest.mark.parametrize(
    "name", ["figures/scan.png", "tables/raw_data.csv", "index.html", "notes.txt", "tables/deep/er.csv"]
)
def test_files_of_the_user_are_never_replaced(tmp_path, name):
    path = tmp_path / "paper" / name
    path.parent.mkdir(parents=True)
    path.write_text("years of work", encoding="utf-8")
    for ask in (require_replaceable, lambda folder: replace(folder, filling("new"))):
        with pytest.raises(ArgumentError, match=path.name.replace(".", r"\.")):
            ask(tmp_path / "paper")
    assert path.read_text(encoding="utf-8") == "years of work"
    assert beside(tmp_path / "paper") == []


def add_file(report):
    (report / "tables" / "raw_data.csv").write_text("mine", encoding="utf-8")
    return "raw_data.csv"


def edit_table(report):
    (report / "tables" / "arr.csv").write_text("mine", encoding="utf-8")
    return "tables/arr.csv"


def add_empty_folder(report):
    (report / "drafts").mkdir()
    return "drafts"


def add_link(report):
    (report / "tables" / "arr.csv").unlink()
    (report / "tables" / "arr.csv").symlink_to("/etc/hostname")
    return "tables/arr.csv"


def add_linked_folder(report):
    (report / "more").symlink_to(report.parent)
    return "more"


def add_pipe(report):
    os.mkfifo(report / "figures" / "pipe.svg")
    return "pipe.svg"


def list_own_file(report):
    """A list that was extended by hand does not make a file ours."""
    (report / "thesis.docx").write_text("mine", encoding="utf-8")
    provenance = json.loads((report / PROVENANCE).read_text(encoding="utf-8"))
    provenance["written"].append({"name": "thesis.docx", "sha256": "0" * 64})
    (report / PROVENANCE).write_text(json.dumps(provenance, indent=1), encoding="utf-8")
    return PROVENANCE


def note_in_provenance(report):
    text = (report / PROVENANCE).read_text(encoding="utf-8")
    (report / PROVENANCE).write_text(text + "\n", encoding="utf-8")
    return PROVENANCE


def lose_provenance(report):
    (report / PROVENANCE).unlink()
    return "index.html"


def break_provenance(report):
    (report / PROVENANCE).write_text("[" * 100_000, encoding="utf-8")
    return "index.html"


@pytest.mark.parametrize(
    "change",
    [
        add_file,
        edit_table,
        add_empty_folder,
        add_link,
        add_linked_folder,
        add_pipe,
        list_own_file,
        note_in_provenance,
        lose_provenance,
        break_provenance,
    ],
)
def test_a_report_that_was_changed_is_kept_and_the_stranger_is_named(old, change):
    stranger = change(old)
    before = sorted(old.rglob("*"))
    for ask in (require_replaceable, lambda folder: replace(folder, filling("new"))):
        with pytest.raises(ArgumentError, match=stranger.replace(".", r"\.")):
            ask(old)
    assert sorted(old.rglob("*")) == before


def test_files_that_were_deleted_or_that_file_browsers_leave_do_no_harm(old):
    (old / "posterior.nc").unlink()
    (old / "figures" / ".DS_Store").write_bytes(b"\0")
    replace(old, filling("new"))
    assert content(old) == "new"


def test_a_report_without_a_list_of_files_is_refused_with_a_remedy(tmp_path):
    report = tmp_path / "report"
    report.mkdir()
    (report / "index.html").write_text("old", encoding="utf-8")
    (report / PROVENANCE).write_text(json.dumps({"schema": 1, "seed": 1, "packages": {}}), encoding="utf-8")
    with pytest.raises(ArgumentError, match=r"no list.*move these away"):
        require_replaceable(report)
    (report / "index.html").rename(tmp_path / "index.html")
    (report / PROVENANCE).rename(tmp_path / PROVENANCE)
    require_replaceable(report)


def test_the_folder_is_looked_at_again_after_the_new_one_is_filled(old):
    def fill(folder):
        filling("new")(folder)
        add_file(old)

    with pytest.raises(ArgumentError, match="raw_data"):
        replace(old, fill)
    assert (old / "tables" / "raw_data.csv").is_file()


# A place that cannot be written.


def loop(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    return tmp_path / "loop"


def below_a_loop(tmp_path):
    return loop(tmp_path) / "report"


def dangling(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file" / "below")
    (tmp_path / "file").write_text("", encoding="utf-8")
    return tmp_path / "link"


def too_long(tmp_path):
    return tmp_path / ("n" * 300)


def long_parent(tmp_path):
    return tmp_path / ("n" * 300) / "report"


def file_in_the_way(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    return tmp_path / "file" / "report"


def a_file(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    return tmp_path / "file"


def a_device(_):
    return Path("/dev/full")


def no_such_system_folder(_):
    return Path("/proc/report")


def mount_point(_):
    return Path("/dev/shm") if Path("/dev/shm").is_mount() else Path("/proc")


UNWRITABLE = [
    loop,
    below_a_loop,
    dangling,
    too_long,
    long_parent,
    file_in_the_way,
    a_file,
    a_device,
    no_such_system_folder,
    mount_point,
]


@pytest.mark.skipif(sys.platform != "linux", reason="system folders of Linux")
@pytest.mark.parametrize("make", UNWRITABLE)
def test_a_place_that_cannot_be_written_is_found_at_once_and_named(tmp_path, make):
    target = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ArgumentError) as refused:
        require_replaceable(target)
    assert str(target)[:200] in str(refused.value) or os.path.realpath(target) in str(refused.value)
    assert "hoose" in str(refused.value)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["", " ", "a\0b"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(ArgumentError, match="folder"):
        require_replaceable(name)


def test_the_folder_that_the_program_runs_in_is_not_taken_away(old, monkeypatch):
    monkeypatch.chdir(old / "tables")
    for folder in (old, "..", "."):
        with pytest.raises(ArgumentError):
            require_replaceable(folder)


@pytest.mark.parametrize("code", ["EROFS", "EACCES", "ENOSPC", "EDQUOT"])
def test_what_the_system_says_stands_in_the_message(tmp_path, monkeypatch, code):
    import errno

    make = Path.mkdir

    def refuse(self, *arguments, **options):
        if not self.name.startswith(".nmo-stats-"):
            return make(self, *arguments, **options)
        raise OSError(getattr(errno, code), os.strerror(getattr(errno, code)))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(ArgumentError, match=rf"{tmp_path}.*{os.strerror(getattr(errno, code))}"):
        require_replaceable(tmp_path / "report")


def test_trying_leaves_nothing_behind(tmp_path, old):
    require_replaceable(tmp_path / "a" / "b" / "c")
    require_replaceable(old)
    assert beside(old) == []
    assert content(old) == "old"


# Failures and deaths at every step.

HOOK = """
import sys
armed, seen, fatal = False, 0, int(sys.argv[1])
WATCHED = ("open", "os.", "shutil.", "tempfile.", "ctypes.dlopen", "ctypes.dlsym")

def watch(event, _):
    global seen
    if armed and event.startswith(WATCHED):
        seen += 1
        if seen == fatal:
            raise OSError(28, f"injected at {event}")

sys.addaudithook(watch)
"""


def child(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False
    )


IN_PROCESS = """
for fatal in range(1, {steps} + 1):
    armed = False
    shutil.rmtree(base, ignore_errors=True)
    os.mkdir(base)
    place.replace(target, filling("old"))
    seen, armed = 0, True
    failed = False
    try:
        place.replace(target, filling("new"))
    except BaseException as error:
        failed = not isinstance(error, (OSError, ValueError)) and repr(error)
    armed = False
    after_failure = os.path.isdir(target) and content(Path(target))
    place.recover(target)
    print(fatal, seen, failed, after_failure, content(Path(target)), os.listdir(base))
    if seen < fatal:
        break
"""


@pytest.mark.parametrize("fallback", [False, True])
def test_a_failure_at_any_step_leaves_the_old_report_or_the_new_one_whole(tmp_path, fallback):
    code = (
        HOOK.replace("int(sys.argv[1])", "0")
        + f"import os, shutil\nfrom pathlib import Path\nsys.path[:0] = [{str(Path(__file__).parent)!r}]\n"
        + "from test_report_folder import content, filling\nfrom nmo_stats.report import folder as place\n"
        + ("place._exchanged = lambda new, target: False\n" if fallback else "")
        + f"base = {str(tmp_path / 'base')!r}\ntarget = base + '/report'\n"
        + IN_PROCESS.format(steps=1000)
    )
    done = child(code)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) > 50
    for line in lines:
        _, _, failed, after, recovered, left = line.split(" ", 5)
        assert failed == "False", line
        assert after in ("old", "new"), line
        assert recovered == after, line
        assert left == "['report']", line


LOOP = """
import sys
sys.path[:0] = [{tests!r}]
from nmo_stats.cli.process import Stopped, stoppable
from nmo_stats.report import folder as place
from test_report_folder import filling
if {fallback}:
    place._exchanged = lambda new, target: False
print("ready", flush=True)
try:
    with stoppable():
        for number in range(100000):
            place.replace({target!r}, filling(str(number)))
except Stopped as stopped:
    sys.exit(stopped.exit_code)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("fallback", [False, True])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_killed_leaves_a_whole_report(old, number, fallback):
    code = LOOP.format(tests=str(Path(__file__).parent), target=str(old), fallback=fallback)
    chance = random.Random(int(number))
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        process.stdout.readline()
        time.sleep(0.02 + 0.1 * chance.random())
        process.send_signal(number)
        _, errors = process.communicate(timeout=300)
        assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number), errors
        if number != signal.SIGKILL:
            assert beside(old) == []
        if not fallback or number != signal.SIGKILL:
            content(old)
        left = beside(old)
        assert len(recover(old)) == len(left)
        content(old)
        assert beside(old) == []
    assert errors == b""


def test_a_report_that_died_between_two_renames_is_put_back_and_named(tmp_path, old):
    scratch = tmp_path / f"{place._prefix(old)}dead"
    scratch.mkdir()
    old.rename(scratch / "old")
    (sentence,) = recover(old)
    assert content(old) == "old"
    assert scratch.name in sentence
    assert "put" in sentence
    assert recover(old) == ()


def test_what_others_are_writing_and_folders_of_the_user_are_left_alone(tmp_path, old):
    with place._scratch(old) as busy:
        mine = tmp_path / f"{place._prefix(old)}mine"
        mine.mkdir()
        (mine / "thesis.docx").write_text("years of work", encoding="utf-8")
        assert recover(old) == ()
        assert busy.is_dir()
        assert mine.is_dir()
