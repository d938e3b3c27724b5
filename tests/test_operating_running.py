"""One process, several, or a Dask cluster that loses a worker: the same bytes; an interrupted run goes on."""

import os
import socket
import subprocess
import sys
import time

import pandas as pd
import pytest

from nmo_stats.errors import ArgumentError
from nmo_stats.operating import Design, Execution, simulate
from nmo_stats.operating.running import computed
from nmo_stats.operating.simulation import tasks

DESIGN = Design(3, ((2.0, 1.5), (1.0, 1.0)), 1.5, 0.5)
METHODS = ("pooled_exact", "conditional_midp", "hierarchical_quadrature", "wilcoxon")


@pytest.fixture(scope="module")
def alone():
    return as_bytes(simulate(DESIGN, METHODS, 4_500))


def as_bytes(found):
    return found.to_frame().to_csv().encode()


def test_several_processes_give_the_same_bytes(alone):
    assert as_bytes(simulate(DESIGN, METHODS, 4_500, execution=Execution(workers=2))) == alone


def test_another_seed_gives_others(alone):
    other = simulate(Design(3, DESIGN.times, 1.5, 0.5, seed=1), METHODS, 4_500)
    assert as_bytes(other) != alone


def test_a_run_goes_on_where_it_stopped(tmp_path, alone):
    class Stopped(Exception):  # noqa: N818
        pass

    def stop(done, _):
        if done >= 2_000:
            raise Stopped

    with pytest.raises(Stopped):
        simulate(DESIGN, METHODS, 4_500, execution=Execution(folder=tmp_path, progress=stop))
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.parquet")}
    assert len(kept) == 2
    told = []
    found = simulate(
        DESIGN, METHODS, 4_500, execution=Execution(folder=tmp_path, progress=lambda *now: told.append(now))
    )
    assert as_bytes(found) == alone
    assert told[0] == (2_000, 4_500)
    assert all(path.stat().st_mtime_ns == changed for path, changed in kept.items())
    assert not list(tmp_path.glob("*.part"))


def test_blocks_of_other_settings_are_not_taken(tmp_path):
    work = tasks(DESIGN, ("pooled_exact",), 0.95, 100)
    computed(work, Execution(folder=tmp_path))
    names = {
        task.name
        for settings in ((0.9, 100), (0.95, 90))
        for task in tasks(DESIGN, ("pooled_exact",), *settings)
    }
    assert not names & {path.stem for path in tmp_path.glob("*.parquet")}


def test_a_block_that_was_cut_short_is_computed_again(tmp_path):
    found = simulate(DESIGN, ["pooled_exact"], 100, execution=Execution(folder=tmp_path))
    (kept,) = tmp_path.glob("*.parquet")
    whole = kept.read_bytes()
    for cut in (whole[:300], b""):
        kept.write_bytes(cut)
        again = simulate(DESIGN, ["pooled_exact"], 100, execution=Execution(folder=str(tmp_path)))
        assert as_bytes(again) == as_bytes(found)
        assert kept.read_bytes() == whole


def test_options_that_contradict_each_other_are_refused():
    with pytest.raises(ArgumentError, match="not both"):
        Execution(workers=2, scheduler="tcp://127.0.0.1:8786")
    with pytest.raises(ArgumentError, match="workers 0"):
        Execution(workers=0)


def test_a_scheduler_that_is_not_there():
    pytest.importorskip("distributed")
    with pytest.raises(ArgumentError, match="dask scheduler"):
        simulate(DESIGN, METHODS, 100, execution=Execution(scheduler=f"tcp://127.0.0.1:{free_port()}"))


def test_without_dask_a_scheduler_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ArgumentError, match="cluster"):
        simulate(DESIGN, METHODS, 100, execution=Execution(scheduler="tcp://127.0.0.1:8786"))


def test_a_cluster_that_loses_a_worker_gives_the_same_bytes(tmp_path, alone):
    pytest.importorskip("distributed")
    address = f"tcp://127.0.0.1:{free_port()}"
    scheduler = started("scheduler", "--host", address, "--no-dashboard")
    workers = [
        started(
            "worker",
            address,
            "--nthreads",
            "1",
            "--no-nanny",
            "--no-dashboard",
            "--local-directory",
            str(tmp_path / name),
        )
        for name in "ab"
    ]
    try:
        wait_for(address, workers=2)

        def kill(done, _):
            if done >= 1_000 and workers[0].poll() is None:
                workers[0].kill()
                workers[0].wait()

        found = simulate(DESIGN, METHODS, 4_500, execution=Execution(scheduler=address, progress=kill))
        assert workers[0].poll() is not None
        assert as_bytes(found) == alone
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def test_parts_are_parquet_tables(tmp_path):
    simulate(DESIGN, ["pooled_exact"], 50, execution=Execution(folder=tmp_path))
    (part,) = tmp_path.glob("*.parquet")
    assert list(pd.read_parquet(part)["method"].unique()) == ["pooled_exact"]


def started(kind, *options):
    command = [sys.executable, "-m", "distributed.cli.dask_" + kind, *options]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=dict(os.environ), **quiet)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(address, workers):
    import distributed

    for _ in range(60):
        try:
            with distributed.Client(address, timeout="2s", set_as_default=False) as client:
                client.wait_for_workers(workers, timeout=60)
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the scheduler did not start")
