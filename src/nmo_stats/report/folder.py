"""The folder of a report: tried before the work, and taken by the new report whole or not at all.

A report carries the list of its files, each with its hash: a folder with any other file is not replaced.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import IO, Final

from nmo_stats.arguments import path as valid_path
from nmo_stats.errors import ArgumentError

_NEW, _OLD, _LOCK = "new", "old", "lock"
_PROBE_BYTES: Final = 1 << 20
_MOST_NAMED: Final = 5
PROVENANCE: Final = "provenance.json"
PROGRAM: Final = "nmo-stats"
_LEFT_BY_FILE_BROWSERS: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_NOT_OURS: Final = "not written by nmo-stats"
_NO_LIST: Final = "written by a version of nmo-stats that kept no list of its files"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h


def require_replaceable(folder: str | Path) -> None:
    """Do nothing if a report may and can be written to ``folder``.

    It may if the folder does not exist, is empty, or holds a report as this program wrote it and nothing
    else. Whether it can is tried: a folder is made beside it and removed again.

    Parameters
    ----------
    folder
        The place of the report.

    Raises
    ------
    ArgumentError
        Otherwise; the message names what would be lost, or why nothing can be written.
    """
    target = _target(folder)
    try:
        _require_ours(target)
        with _parents(target), _scratch(target) as scratch:
            (scratch / _NEW).write_bytes(bytes(_PROBE_BYTES))
    except OSError as error:
        raise _refused(target, f"nothing can be written there ({error.strerror or error})") from None


def require_writable(folder: str | Path) -> None:
    """Do nothing if files can be added to ``folder``, which is tried; it need not exist.

    Parameters
    ----------
    folder
        The place of the files.

    Raises
    ------
    ArgumentError
        Otherwise, with the reason.
    """
    target = _target(folder)
    try:
        with _parents(target / "file"), tempfile.TemporaryFile(dir=target) as probe:
            probe.write(bytes(_PROBE_BYTES))
    except OSError as error:
        raise _refused(target, f"nothing can be written there ({error.strerror or error})") from None


def replace(folder: str | Path, fill: Callable[[Path], None]) -> Path:
    """Let ``fill`` write into a new folder, and put that in the place of ``folder``.

    At any moment the old folder or the new one is whole under its name: the two are exchanged in one step
    where the system can, else renamed one after the other, and the next run repairs one that dies between the
    two.

    Returns
    -------
    Path
        The folder, free of links.

    Raises
    ------
    ArgumentError
        If the folder holds anything that is not a report.
    OSError
        If it cannot be written.
    """
    target = _target(folder)
    try:
        _require_ours(target)
        recover(target)
        with _parents(target, keep=True), _scratch(target) as scratch:
            new = scratch / _NEW
            new.mkdir()
            fill(new)
            _require_ours(target)  # it may have changed meanwhile
            _put(new, target, scratch / _OLD)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(target)) from error
    return target


def recover(folder: str | Path) -> tuple[str, ...]:
    """Remove what interrupted runs left beside a report folder, and put a displaced report back.

    Parameters
    ----------
    folder
        The place of the report.

    Returns
    -------
    tuple of str
        A sentence on each leftover. That of a run that is still going on is left alone.
    """
    target = _target(folder)
    if not target.parent.is_dir():
        return ()
    leftovers = sorted(target.parent.glob(f"{_prefix(target)}*"))
    return tuple(_repair(scratch, target) for scratch in leftovers if _is_abandoned(scratch))


def _target(folder: str | Path) -> Path:
    return Path(
        os.path.realpath(valid_path("folder", folder))
    )  # unlike Path.resolve, it raises nothing on a loop of links


def _require_ours(target: Path) -> None:
    """Do nothing if a new report may take the place of the target."""
    if not os.path.lexists(target):
        target.is_dir()  # raises where the name is too long
        return
    if not target.is_dir():
        raise _refused(target, "a link that leads nowhere" if target.is_symlink() else "a file")
    lost = list(islice(strangers(target), _MOST_NAMED + 1))
    if lost:
        more = " and others" if len(lost) > _MOST_NAMED else ""
        raise _refused(
            target,
            f"it holds {', '.join(lost[:_MOST_NAMED])}{more}, which would be lost",
            "; or move these away",
        )
    if target.is_mount():
        raise _refused(target, "a mount point, which cannot be replaced", " inside it")
    with suppress(FileNotFoundError):
        if Path.cwd().is_relative_to(target):
            raise _refused(target, "this program runs in it", "; or run it elsewhere")


def _refused(target: Path, reason: str, remedy: str = "") -> ArgumentError:
    return ArgumentError(
        f"folder {target}: {reason}. Expected: a folder for a report. Choose another folder{remedy}."
    )


@contextmanager
def _parents(target: Path, *, keep: bool = False) -> Iterator[None]:
    """Make the folders above; remove those again, unless they are to be kept and all went well."""
    missing = [parent for parent in target.parents if not parent.exists()]
    made: list[Path] = []
    done = False
    try:
        for parent in reversed(missing):
            parent.mkdir(exist_ok=True)
            made.insert(0, parent)
        yield
        done = keep
    finally:
        if not done:
            with suppress(OSError):  # another program has put something there
                for parent in made:
                    parent.rmdir()


@contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    """Make a folder beside the target, locked while this program works in it."""
    scratch = target.parent / f"{_prefix(target)}{secrets.token_hex(4)}"
    try:
        scratch.mkdir(mode=0o700)
        with (scratch / _LOCK).open("wb") as lock:
            with suppress(OSError):  # a file system without locks
                _acquire(lock)
            yield scratch
    finally:
        try:
            _settle(scratch, target)
        except BaseException:  # a signal in the middle of it
            _settle(scratch, target)
            raise


def _prefix(target: Path) -> str:
    """Return how the names of temporary folders begin; short, since the target's own name may be long."""
    return f".nmo-stats-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:12]}-"


def _put(new: Path, target: Path, old: Path) -> None:
    if not target.exists() or not any(target.iterdir()):
        if target.exists() and sys.platform == "win32":
            target.rmdir()
        new.rename(target)
    elif not _exchanged(new, target):
        target.rename(old)
        new.rename(target)


def _exchanged(new: Path, target: Path) -> bool:
    """Exchange two folders in one step; return False where the system cannot."""
    if sys.platform != "linux":
        return False
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    paths = os.fsencode(new), os.fsencode(target)
    return bool(rename(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) == 0)


def _settle(scratch: Path, target: Path) -> bool:
    """Remove a temporary folder; return whether the old report was out of its place and has been put back."""
    old = scratch / _OLD
    is_lost = not os.path.lexists(target) and old.is_dir()
    if is_lost:
        old.rename(target)
    shutil.rmtree(scratch, ignore_errors=True)
    return is_lost


def _repair(scratch: Path, target: Path) -> str:
    is_back = _settle(scratch, target)
    what = f"put the report {target} back in its place and removed" if is_back else "removed"
    return f"{what} {scratch}, which an interrupted run had left"


def _is_abandoned(scratch: Path) -> bool:
    """Return whether a folder was made by this program, and no program works in it any more."""
    if scratch.is_symlink() or not scratch.is_dir():
        return False
    if not {path.name for path in scratch.iterdir()} <= {_NEW, _OLD, _LOCK}:
        return False
    try:
        with (scratch / _LOCK).open("r+b") as lock:
            _acquire(lock)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _acquire(lock: IO[bytes]) -> None:
    """Lock an open file until it is closed.

    Raises
    ------
    OSError
        If another program holds the lock, or there are no locks.
    """
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def signed(content: Mapping[str, object], folder: Path) -> str:
    """Return the text of the provenance file, with the list of all files in the folder and a checksum.

    Parameters
    ----------
    content
        Where the report comes from.
    folder
        The folder of the report, complete but for this file.
    """
    files = sorted((name, path) for name, path in _entries(folder) if path.is_file() and name != PROVENANCE)
    listed = [{"name": name, "sha256": _hash(path)} for name, path in files]
    whole = {**content, "program": PROGRAM, "written": listed}
    return _text(whole | {"checksum": _checksum(whole)})


def strangers(folder: Path) -> Iterator[str]:
    """Yield what would be lost with a folder: every file not as this program wrote it, with the reason.

    Links, and folders without a file of the report, are strangers too.

    Parameters
    ----------
    folder
        An existing folder.
    """
    written, reason = _written(folder)
    parents = {parent.as_posix() for name in written for parent in Path(name).parents}
    for name, path in _entries(folder):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode) and name in parents:
            continue
        if not stat.S_ISREG(mode) or name not in written:
            if path.name not in _LEFT_BY_FILE_BROWSERS:
                yield f"{name} ({reason})"
        elif name != PROVENANCE and _hash(path) != written[name]:
            yield f"{name} (changed since it was written)"


def _written(folder: Path) -> tuple[dict[str, str], str]:
    """Return the hash of every file that the provenance lists, and why any other file is a stranger."""
    path = folder / PROVENANCE
    if not path.is_file() or path.is_symlink():
        return {}, _NOT_OURS
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}, _NOT_OURS
    if not isinstance(content, dict) or content.get("program") != PROGRAM:
        is_old = isinstance(content, dict) and {"schema", "seed", "packages"} <= set(content)
        return {}, _NO_LIST if is_old else _NOT_OURS
    checksum = content.pop("checksum", None)
    if checksum != _checksum(content) or text != _text(content | {"checksum": checksum}):
        return {}, f"{PROVENANCE}, which lists the files of the report, was changed"
    return {file["name"]: file["sha256"] for file in content["written"]} | {PROVENANCE: ""}, _NOT_OURS


def _entries(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield everything below a folder by its name in it, without following links."""

    def refuse(error: OSError) -> None:
        raise error

    for root, folders, names in os.walk(folder, onerror=refuse):
        for name in sorted([*folders, *names]):
            path = Path(root, name)
            yield path.relative_to(folder).as_posix(), path


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checksum(content: Mapping[str, object]) -> str:
    return hashlib.sha256(_text(content).encode(errors="backslashreplace")).hexdigest()


def _text(content: Mapping[str, object]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False) + "\n"
