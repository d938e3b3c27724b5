"""Whose files a folder holds: a report carries the list of its files, each with its hash."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

PROVENANCE: Final = "provenance.json"
PROGRAM: Final = "nmo-stats"
_LEFT_BY_FILE_BROWSERS: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_NOT_OURS: Final = "not written by nmo-stats"
_NO_LIST: Final = "written by a version of nmo-stats that kept no list of its files"


def signed(content: Mapping[str, object], folder: Path) -> str:
    """Return provenance as the text of its file: with the list of all files in the folder, and a checksum of itself."""
    listed = [
        {"name": name, "sha256": _hash(path)} for name, path in sorted(_files(folder)) if name != PROVENANCE
    ]
    whole = {**content, "program": PROGRAM, "written": listed}
    return _text(whole | {"checksum": _checksum(whole)})  # fmt: skip


def strangers(folder: Path) -> Iterator[str]:
    """Yield what would be lost with a folder: every file that is not as this program wrote it, with the reason.

    Links, and folders without a file of the report, are strangers too.
    """
    written, reason = _written(folder)
    if written is not None:
        yield from _changed(folder, written)
        return
    for name, _ in _entries(folder):
        if Path(name).name not in _LEFT_BY_FILE_BROWSERS:
            yield f"{name} ({reason})"


def _changed(folder: Path, written: Mapping[str, str]) -> Iterator[str]:
    parents = {parent.as_posix() for name in written for parent in Path(name).parents}
    for name, path in _entries(folder):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode) and name in parents:
            continue
        if not stat.S_ISREG(mode) or name not in written:
            if path.name not in _LEFT_BY_FILE_BROWSERS:
                yield f"{name} ({_NOT_OURS})"
        elif name != PROVENANCE and _hash(path) != written[name]:
            yield f"{name} (changed since it was written)"


def _written(folder: Path) -> tuple[dict[str, str] | None, str]:
    """Return the hash of every file that the folder's provenance lists; None, and why, where it lists none."""
    path = folder / PROVENANCE
    if not path.is_file() or path.is_symlink():
        return None, _NOT_OURS
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None, _NOT_OURS
    if not isinstance(content, dict) or content.get("program") != PROGRAM:
        is_old = isinstance(content, dict) and {"schema", "seed", "packages"} <= set(content)
        return None, _NO_LIST if is_old else _NOT_OURS
    checksum = content.pop("checksum", None)
    if checksum != _checksum(content) or text != _text(content | {"checksum": checksum}):
        return None, f"{PROVENANCE}, which lists the files of the report, was changed"
    return {one["name"]: one["sha256"] for one in content["written"]} | {PROVENANCE: ""}, ""


def _entries(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield everything below a folder by its name in it, without following links."""
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop(0)) as found:
            below = sorted(found, key=lambda entry: entry.name)
        for entry in below:
            path = Path(entry.path)
            yield path.relative_to(folder).as_posix(), path
            if entry.is_dir(follow_symlinks=False):
                waiting.append(path)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    return ((name, path) for name, path in _entries(folder) if path.is_file())


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checksum(content: Mapping[str, object]) -> str:
    return hashlib.sha256(_text(content).encode(errors="backslashreplace")).hexdigest()


def _text(content: Mapping[str, object]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False) + "\n"
