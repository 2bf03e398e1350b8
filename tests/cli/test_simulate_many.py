from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import psutil
import pytest


def write_designs(path, n: int):
    draw = np.random.default_rng(2)
    table = pd.DataFrame({"seed_alloy": draw.choice(["none", "Ag"], n), "stack_pressure_mpa": draw.uniform(1, 9, n)})
    table.to_csv(path, index=False)
    return table


def test_a_table_comes_back_as_parquet_in_its_order(afssb, tmp_path):
    table, out = write_designs(tmp_path / "designs.csv", 40), tmp_path / "out.parquet"
    (tmp_path / "protocol.yaml").write_text("cycles: 20\n")
    done = afssb(
        "simulate", "--designs", tmp_path / "designs.csv", "--protocol", tmp_path / "protocol.yaml", "--out", out
    )
    assert done.returncode == 0, done.stderr
    result = pd.read_parquet(out)
    assert result["seed_alloy"].tolist() == table["seed_alloy"].tolist()
    assert result["stack_pressure_mpa"].tolist() == table["stack_pressure_mpa"].tolist()
    assert result["cycle_life"].notna().all()


def test_bad_designs_are_named_by_the_lines_of_the_file(afssb, tmp_path):
    table = write_designs(tmp_path / "designs.csv", 40)
    table.loc[0, "stack_pressure_mpa"] = 9000.0
    table.loc[39, "seed_alloy"] = "Agg"
    table.to_csv(tmp_path / "designs.csv", index=False)
    done = afssb("simulate", "--designs", tmp_path / "designs.csv")
    assert done.returncode == 2
    assert "line 2, stack_pressure_mpa: 9000" in done.stderr
    assert "line 41, seed_alloy" in done.stderr
    assert "Did you mean 'Ag'" in done.stderr


def test_another_file_type_is_refused_before_anything_is_simulated(afssb, tmp_path):
    done = afssb("simulate", "--out", tmp_path / "out.xls")
    assert done.returncode == 2
    assert "Allowed: .csv or .parquet" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_stopped_simulation_leaves_no_process_and_no_half_file(tmp_path, number, code):
    write_designs(tmp_path / "designs.csv", 20_000)
    out = tmp_path / "out.csv"
    command = [
        sys.executable,
        "-m",
        "afssb_opt.cli",
        "simulate",
        "--designs",
        str(tmp_path / "designs.csv"),
        "--out",
        str(out),
    ]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        end = time.monotonic() + 60
        while len(workers := worker_pids(running.pid)) < 2:
            assert time.monotonic() < end
            assert running.poll() is None
            time.sleep(0.05)
        # A terminal sends Ctrl-C to the whole group.
        os.killpg(running.pid, number) if number == signal.SIGINT else os.kill(running.pid, number)
        _, messages = running.communicate(timeout=60)
        assert running.returncode == code
        assert "Traceback" not in messages
        while any(psutil.pid_exists(pid) for pid in workers):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert [path.name for path in tmp_path.glob("*out*")] == []
    finally:
        running.kill()


def worker_pids(pid: int) -> list[int]:
    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [child.pid for child in children if "spawn_main" in " ".join(child.cmdline())]


def test_a_dask_cluster_gives_the_same_cells_as_this_machine(afssb, tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    write_designs(tmp_path / "designs.csv", 600)
    (tmp_path / "protocol.yaml").write_text("cycles: 20\n")
    asked = ("simulate", "--designs", tmp_path / "designs.csv", "--protocol", tmp_path / "protocol.yaml")
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        local_directory=str(tmp_path),
    ) as cluster:
        done = afssb(*asked, "--cluster", cluster.scheduler_address, "--out", there)
        assert done.returncode == 0, done.stderr
        assert cluster.scheduler.transition_counter > 0
    assert afssb(*asked, "--out", here).returncode == 0
    assert there.read_bytes() == here.read_bytes()
